"""Requesting many exports over several organizations, and waiting until they are ready."""

from collections.abc import Sequence

from harness.client import Organization, Record, Sample, together
from harness.errors import CheckFailed
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target.tables.pace import Pace
from harness.vocabulary.exports import EXPORT_TYPES, READY


def jobs_each(
    pace: Pace, exports: int, tenants: int, observe: Observations, *, types: int = len(EXPORT_TYPES)
) -> int:
    """How many jobs each tenant makes, so that there are so many exports, or as many as it can.

    What is missing is not asked for: with a slow `[pace]` there are fewer exports.
    """
    each = tenants * types
    jobs = max(1, pace.amount(exports, fewest=each) // each)
    if (made := jobs * each) < exports:
        observe.excuse(exports - made, pace.reason(made, exports))
    return jobs


async def request_exports(
    organizations: Sequence[Organization],
    *,
    jobs_each: int,
    at_once: int = 16,
    export_types: Sequence[str] = (),
    evidence: Sample | None = None,
) -> dict[str, Organization]:
    """Request exports of new jobs in each organization; return the owner of each export by its id.

    `export_types` are by default all that there are, as many exports as if there were two. With a
    large file as `evidence` of each job, a proof pack takes a worker longer.
    """
    types = export_types or organizations[0].client.export_types
    jobs_each *= 1 if export_types else len(EXPORT_TYPES) // len(types)

    async def of_one_job(organization: Organization) -> list[str]:
        job = await organization.new_job()
        if evidence is not None:
            await organization.client.new_evidence(job["id"], evidence)
        return [
            (await organization.client.new_export(job["id"], export_type))["id"]
            for export_type in types
        ]

    owners = list(organizations) * jobs_each
    requested = await together(map(of_one_job, owners), at_once=at_once)
    return {
        export_id: owner for owner, ids in zip(owners, requested, strict=True) for export_id in ids
    }


async def wait_for_all(accepted: dict[str, Organization], *, deadline_s: float) -> list[Record]:
    """Wait until every export is ready; return the exports."""
    clients = {owner.id: owner.client for owner in accepted.values()}
    waits = (
        client.wait_for_exports(
            [export_id for export_id, owner in accepted.items() if owner.id == owner_id],
            deadline_s=deadline_s,
        )
        for owner_id, client in clients.items()
    )
    return [export for exports in await together(waits) for export in exports]


async def wait_in_a_cell(
    cells: Cells, accepted: dict[str, Organization], *, deadline_s: float, case: str = ""
) -> list[Record]:
    """Wait until every export is ready; where some are not in time, return those that are.

    The rest of a check looks at these: one export that hangs hides nothing else.
    """
    where = {"case": case} if case else {}
    ready: list[Record] = []
    async with cells.of(what="exports become ready", **where):
        ready = await wait_for_all(accepted, deadline_s=deadline_s)
    if len(ready) == len(accepted):
        return ready
    shown = await together(
        (_shown(export_id, owner) for export_id, owner in accepted.items()), at_once=16
    )
    return [export for export in shown if export is not None and export["state"] == READY]


async def _shown(export_id: str, owner: Organization) -> Record | None:
    """Give an export as of now; nothing where that fails: the wait has reported it."""
    try:
        return await owner.client.get_export(export_id)
    except CheckFailed:
        return None
