"""Exports that do not become ready: canceled by their owner, or failed because a file is gone."""

from contracts.shared.resources.stored_objects import StoredObjects
from harness.client import Organization, Record, Sample, together
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.target import Target

WAITING = 4
"""Exports requested at once at first: more than may be in progress, so the last has to wait."""

ROUNDS = 10
LONGEST_FAILURE_S = 30.0


async def canceled_export(org: Organization) -> tuple[Record, list[str]]:
    """Request exports until one can be canceled before a worker has finished it.

    Gives the data of the canceled one, and the IDs of the others, which go on.
    """
    others: list[str] = []
    for number in range(ROUNDS):
        # After others it waits for its turn, after ever more of them; alone, for the next poll of
        # a worker.
        count = 1 if number % 2 else WAITING << number // 2
        jobs = await together(org.new_job() for _ in range(count))
        light = org.client.light_type
        requested = await together(org.client.new_export(job["id"], light) for job in jobs)
        last = max(requested, key=lambda export: str(export["created_at"]))
        answer = await org.client.call("cancelExport", path={"export_id": last["id"]})
        others += [export["id"] for export in requested if export["id"] != last["id"]]
        if expect_status(answer, 202, 409).status == 202:
            return await org.client.get_export(last["id"]), others
        others.append(last["id"])
    raise Inconclusive(
        f"no export could be canceled before it was ready: {ROUNDS} rounds, with one export and "
        f"with {WAITING} to {WAITING << (ROUNDS - 1) // 2} exports in turn"
    )


def failure_within_s(target: Target) -> float | None:
    """How long until an export without its file is `failed`; None when that is too long to wait.

    A backend may fail it at once, or only after its last attempt.
    """
    if target.worker is None:
        return None
    attempt_s = target.worker.stuck_timeout_s + target.worker.sweep_interval_s
    longest_s = target.limits.max_attempts * attempt_s + 10
    return longest_s if longest_s <= LONGEST_FAILURE_S else None


async def failed_export(
    org: Organization, sample: Sample, objects: StoredObjects, *, deadline_s: float
) -> tuple[Record, Record]:
    """Request a proof pack whose only file is missing in the storage, and wait for its end.

    Gives the evidence, whose file is restored, and the export: failed, or ready where the backend
    makes a proof pack without the file.
    """
    job = await org.new_job()
    evidence = await org.client.new_evidence(job["id"], sample)
    with objects.damaged(evidence["storage_path"], None):
        requested = await org.client.new_export(job["id"])
        export = await org.client.wait_for_export(
            requested["id"], states=("failed", "ready"), deadline_s=deadline_s
        )
    return evidence, export
