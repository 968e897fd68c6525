"""What an organization's ledger must look like over HTTP."""

from collections.abc import Sequence

from contracts.shared.resources.flags import expect_flags
from harness.client import Client, Record
from harness.expect import expect_equal


async def expect_verified(client: Client, event: Record) -> None:
    """Fail unless the backend itself verifies the event and the chain up to it."""
    answer = await client.call("verifyLedgerEvent", path={"event_id": event["id"]})
    flags = dict.fromkeys(("hash_matches", "prev_hash_valid", "chain_ok"), True)
    expect_flags(answer, flags, f"{event['event_name']} event {event['ledger_seq']}")
    seq = event["ledger_seq"]
    expect_equal(answer.data["depth"], seq, "depth of a chain verified from its first event")


def expect_linked(events: list[Record]) -> None:
    """Fail unless the events of an organization are one chain without gaps or forks."""
    before = None
    for number, event in enumerate(events, 1):
        expect_equal(
            event["ledger_seq"], number, f"ledger_seq of event {number}, without gaps or forks"
        )
        expect_equal(
            event["prev_hash"] or None, before, f"prev_hash of event {number} (the hash before it)"
        )
        before = event["hash"]


async def expect_events(
    client: Client, target_id: str, names: Sequence[str], what: str
) -> list[Record]:
    """Fail unless a target has exactly these events, oldest first; give them."""
    events = await client.ledger_events(target_id=target_id)
    got = [event["event_name"] for event in events]
    expect_equal(got, list(names), f"ledger events of {what}")
    return events
