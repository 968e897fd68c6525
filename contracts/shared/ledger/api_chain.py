"""What an organization's ledger must look like over HTTP."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from contracts.shared.ledger.forks import ASPECT, NO_FORK, Link, forks
from contracts.shared.ledger.hash_chain import FORK
from contracts.shared.resources.flags import RULES, expect_flags
from contracts.shared.resources.rule_ids import CHAIN_VALID, EVENT_ONCE, EVENT_WRITTEN
from harness.client import Client, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.vocabulary.events import EVENT_NAMES


async def expect_verified(client: Client, event: Record, *, depth: int | None = None) -> None:
    """Fail unless the backend itself verifies the event and the chain up to it.

    `depth` is its place in the chain, where it is known; in the contract its number.
    """
    answer = await client.call("verifyLedgerEvent", path={"event_id": event["id"]})
    flags = dict.fromkeys(("hash_matches", "prev_hash_valid", "chain_ok"), True)
    about = named(event)
    expect_flags(answer, flags, "an event of an unchanged ledger", detail=about)
    if depth is None and client.chain.is_counted:
        depth = event["ledger_seq"]
    if depth is not None:
        what = "depth of a chain verified from its first event"
        rule = RULES["verifyLedgerEvent"]
        expect_equal(answer.data["depth"], depth, what, detail=about, rule=rule, subject="depth")


def named(event: Record) -> str:
    """The name of an event in messages."""
    return f"{event['event_name']} event {event.get('ledger_seq', event['id'])}"


def places(events: Sequence[Record]) -> Mapping[str, int]:
    """The place of each event in its chain, from 1, by its id."""
    return {event["id"]: place for place, event in enumerate(events, 1)}


def expect_linked(events: Sequence[Record], shape: ChainShape = CONTRACT_CHAIN) -> None:
    """Fail unless the events of an organization, in their order, are one chain without forks.

    Where the contract's numbers are declared, it has no gaps, either.
    """
    for fork in forks([_link(event, shape) for event in events], shape):
        raise CheckFailed(
            expected=fork.expected, got=fork.got, rule=NO_FORK, subject=FORK, aspect=ASPECT
        )
    before, last = shape.genesis or None, 0
    for number, event in enumerate(events, 1):
        if shape.is_counted:
            what = f"ledger_seq of event {number}, without gaps or forks"
            expect_equal(event["ledger_seq"], number, what, rule=CHAIN_VALID, subject="ledger_seq")
        elif shape.is_numbered:
            expect(
                type(event["ledger_seq"]) is int and event["ledger_seq"] > last,
                expected=f"ledger_seq of event {number} above {last}, that of the event before",
                got=repr(event["ledger_seq"]),
                rule=CHAIN_VALID,
                subject="ledger_seq",
            )
            last = event["ledger_seq"]
        what = f"prev_hash of event {number}, the hash before it"
        got = event["prev_hash"] or None
        expect_equal(got, before, what, rule=CHAIN_VALID, subject="prev_hash")
        before = event["hash"]


def _link(event: Record, shape: ChainShape) -> Link:
    number = event["ledger_seq"] if shape.is_numbered else None
    return Link(
        name=named(event),
        number=number if type(number) is int else None,
        prev_hash=str(event["prev_hash"] or ""),
        hash=str(event["hash"]),
    )


async def expect_events(
    client: Client,
    target_id: str,
    names: Sequence[str],
    what: str,
    *,
    besides: Collection[str] = (),
) -> list[Record]:
    """Fail unless a target has exactly these events, oldest first; give them.

    Those whose ids are in `besides` do not count.
    """
    listed = await client.ledger_events(target_id=target_id)
    events = [event for event in listed if event["id"] not in besides]
    expect_event_names([event["event_name"] for event in events], names, what)
    return events


def expect_event_names(got: Sequence[str], names: Sequence[str], what: str) -> None:
    """Fail unless these are the names of the events, in this order."""
    missing = [*(Counter(names) - Counter(got))]
    surplus = [*(Counter(got) - Counter(names))]
    expect_equal(
        list(got),
        list(names),
        f"ledger events of {what}",
        rule=EVENT_WRITTEN if missing else EVENT_ONCE if surplus else "",
        subject=", ".join(sorted(EVENT_NAMES.intersection(missing or surplus))),
    )
