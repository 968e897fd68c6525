"""What an organization's ledger must look like over HTTP."""

from collections import Counter
from collections.abc import Sequence

from contracts.shared.resources.flags import RULES, expect_flags
from contracts.shared.resources.rule_ids import CHAIN_VALID, EVENT_ONCE, EVENT_WRITTEN
from harness.client import Client, Record
from harness.expect import expect_equal
from harness.vocabulary.events import EVENT_NAMES


async def expect_verified(client: Client, event: Record) -> None:
    """Fail unless the backend itself verifies the event and the chain up to it."""
    answer = await client.call("verifyLedgerEvent", path={"event_id": event["id"]})
    flags = dict.fromkeys(("hash_matches", "prev_hash_valid", "chain_ok"), True)
    about = f"{event['event_name']} event {event['ledger_seq']}"
    expect_flags(answer, flags, "an event of an unchanged ledger", detail=about)
    seq = event["ledger_seq"]
    what = "depth of a chain verified from its first event"
    expect_equal(answer.data["depth"], seq, what, rule=RULES["verifyLedgerEvent"], subject="depth")


def expect_linked(events: list[Record]) -> None:
    """Fail unless the events of an organization are one chain without gaps or forks."""
    before = None
    for number, event in enumerate(events, 1):
        for name, got, expected, what in (
            ("ledger_seq", event["ledger_seq"], number, "without gaps or forks"),
            ("prev_hash", event["prev_hash"] or None, before, "the hash before it"),
        ):
            shown = f"{name} of event {number}, {what}"
            expect_equal(got, expected, shown, rule=CHAIN_VALID, subject=name)
        before = event["hash"]


async def expect_events(
    client: Client, target_id: str, names: Sequence[str], what: str
) -> list[Record]:
    """Fail unless a target has exactly these events, oldest first; give them."""
    events = await client.ledger_events(target_id=target_id)
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
