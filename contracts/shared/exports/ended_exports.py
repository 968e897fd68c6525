"""Exports that end otherwise than ready: canceled by their owner, failed for want of a file."""

from contracts.shared.resources.stored_objects import StoredObjects
from harness.client import Organization, Record, Sample, together
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.target import Target

WAITING = 4
"""Exports requested at once: more than may be in progress, so that the last has to wait."""

ROUNDS = 10
LONGEST_FAILURE_S = 30.0


async def canceled_export(org: Organization) -> tuple[Record, list[str]]:
    """Request exports until one could be canceled before a worker was done with it.

    Gives the data of the canceled one, and the ids of the others, which go on.
    """
    others: list[str] = []
    for number in range(ROUNDS):
        # Behind others it waits for its turn; alone, for a worker that looks now and then.
        jobs = await together(org.new_job() for _ in range(1 if number % 2 else WAITING))
        requested = await together(org.client.new_export(job["id"], "ledger") for job in jobs)
        last = max(requested, key=lambda export: str(export["created_at"]))
        answer = await org.client.call("cancelExport", path={"export_id": last["id"]})
        others += [export["id"] for export in requested if export["id"] != last["id"]]
        if expect_status(answer, 202, 409).status == 202:
            return await org.client.get_export(last["id"]), others
        others.append(last["id"])
    raise Inconclusive(
        f"in {ROUNDS} rounds neither an export alone nor the last of {WAITING} could be canceled "
        "before it was made"
    )


def failure_within_s(target: Target) -> float | None:
    """Until when an export that cannot be made is `failed`; None when that is too long to wait.

    A backend may fail it at once, or only when all attempts are used up.
    """
    if target.worker is None:
        return None
    an_attempt = target.worker.stuck_timeout_s + target.worker.sweep_interval_s
    longest = target.limits.max_attempts * an_attempt + 10
    return longest if longest <= LONGEST_FAILURE_S else None


async def failed_export(
    org: Organization, sample: Sample, objects: StoredObjects, *, deadline_s: float
) -> tuple[Record, Record]:
    """Request a proof pack whose only file is gone from the storage, and wait for its end.

    Gives the evidence, whose file is back, and the export: failed, unless the backend makes one
    without its file all the same.
    """
    job = await org.new_job()
    evidence = await org.client.new_evidence(job["id"], sample)
    with objects.damaged(evidence["storage_path"], None):
        requested = await org.client.new_export(job["id"])
        export = await org.client.wait_for_export(
            requested["id"], states=("failed", "ready"), deadline_s=deadline_s
        )
    return evidence, export
