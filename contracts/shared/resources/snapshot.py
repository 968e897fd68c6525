"""A snapshot of what an organization shows: records of some jobs, and events."""

from collections import Counter
from dataclasses import dataclass

from harness.client import Client, Record, together
from harness.expect import expect_equal


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The IDs of everything in some jobs, and the events of their organization."""

    evidence: tuple[str, ...]
    exports: tuple[str, ...]
    by_requests: Counter[str]
    """Number of events by name, without those that workers write."""


WRITTEN_BY_REQUESTS = ("evidence.sealed", "export.requested", "export.canceled")


async def take_snapshot(client: Client, *jobs: Record) -> Snapshot:
    """List the records of these jobs, or of all jobs, and count the events of the ledger."""
    chosen = jobs or await client.listed("listJobs")

    async def ids(operation_id: str) -> tuple[str, ...]:
        lists = await together(
            client.listed(operation_id, path={"job_id": job["id"]}) for job in chosen
        )
        return tuple(item["id"] for items in lists for item in items)

    names = [event["event_name"] for event in await client.ledger_events()]
    return Snapshot(
        evidence=await ids("listEvidence"),
        exports=await ids("listExports"),
        by_requests=Counter(name for name in names if name in WRITTEN_BY_REQUESTS),
    )


async def expect_nothing_left(client: Client, before: Snapshot, *jobs: Record, what: str) -> None:
    """Fail when the jobs or the ledger show more, or less, than before."""
    after = await take_snapshot(client, *jobs)
    expect_equal(after.evidence, before.evidence, f"IDs of evidence after {what}")
    expect_equal(after.exports, before.exports, f"IDs of exports after {what}")
    expect_equal(
        dict(after.by_requests), dict(before.by_requests), f"number of events after {what}"
    )
