"""The ledger event of an upload."""

from harness.client import Client, Record
from harness.expect import expect
from harness.vocabulary.events import EVIDENCE_SEALED


async def sealed_event_id(client: Client, evidence: Record) -> str:
    """The id of the event about an upload: as its record says, or found in the ledger.

    Fails where the ledger has none.
    """
    if not evidence.lacks("ledger_event_id"):
        return str(evidence["ledger_event_id"])
    events = await client.ledger_events(target_id=evidence["id"])
    found = [event["id"] for event in events if event["event_name"] == EVIDENCE_SEALED]
    expect(
        found,
        expected=f"an {EVIDENCE_SEALED} event about evidence {evidence['id']}",
        got=f"{len(events)} events about it",
        rule="ledger.event-written",
        subject=EVIDENCE_SEALED,
    )
    return str(found[0])
