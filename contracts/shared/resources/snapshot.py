"""What requests have left behind: the records and events that an organization shows."""

from collections import Counter
from dataclasses import dataclass

from harness.client import Client, Record, together
from harness.expect import expect_equal


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The ids of everything in some jobs, and the events of their organization."""

    evidence: tuple[str, ...]
    exports: tuple[str, ...]
    by_requests: Counter[str]
    """Events by name, but for those that a worker writes in its own time."""


WRITTEN_BY_REQUESTS = ("evidence.sealed", "export.requested", "export.canceled")


async def take_snapshot(client: Client, *jobs: Record) -> Snapshot:
    """See what there is in these jobs and in the ledger."""
    evidence = await together(
        client.listed("listEvidence", path={"job_id": job["id"]}) for job in jobs
    )
    exports = await together(
        client.listed("listExports", path={"job_id": job["id"]}) for job in jobs
    )
    events = await client.ledger_events()
    return Snapshot(
        evidence=tuple(item["id"] for items in evidence for item in items),
        exports=tuple(item["id"] for items in exports for item in items),
        by_requests=Counter(
            event["event_name"] for event in events if event["event_name"] in WRITTEN_BY_REQUESTS
        ),
    )


async def expect_nothing_left(client: Client, before: Snapshot, *jobs: Record, what: str) -> None:
    """Fail when the jobs or the ledger show more, or less, than before."""
    after = await take_snapshot(client, *jobs)
    expect_equal(after.evidence, before.evidence, f"the evidence after {what}")
    expect_equal(after.exports, before.exports, f"the exports after {what}")
    expect_equal(dict(after.by_requests), dict(before.by_requests), f"the events after {what}")
