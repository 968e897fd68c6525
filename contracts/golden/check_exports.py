"""The golden path of exports: requested, polled, downloaded; canceled, failed and retried."""

from contracts.golden.export_lifecycle import Lifecycle
from contracts.golden.requested_exports import RequestedExports
from contracts.shared.exports.workerless_system import can_run_without_workers, workerless_system
from contracts.shared.resources.pages import Listing, expect_listed
from harness.check import check
from harness.client import Organization, Samples
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Target
from harness.vocabulary.exports import PROOF_PACK


@check(
    "golden.export-download",
    "An export becomes ready and downloads as a ZIP",
    checklist="Verify export generation and download",
    observes=2,
)
async def check_export_download(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Request an export of each type, poll it until it is ready, and download it.

    The ZIP must hold the files that its type promises, and the ledger as of the request. Another
    request after that makes another export. On a system without workers one export goes through
    every state: live ones can be canceled, failed ones retried, and nothing else is accepted.
    """
    job = await org.new_job()
    uploaded = {}
    for sample in samples.one_of_each():
        uploaded[(await org.client.new_evidence(job["id"], sample))["id"]] = sample
    exports = RequestedExports(org=org, job=job, uploaded=uploaded, cells=cells)
    ready = {each: await exports.look_at(each) for each in org.client.export_types}
    for export_type in filter(ready.get, ready):
        cover("states of exports", state=f"ready {export_type}")
        observe(what=export_type)
    if ready.get(PROOF_PACK):
        await exports.request(PROOF_PACK, case="after a ready one")
    listing = Listing(operation_id="listExports", path={"job_id": job["id"]})
    for case, limit in {"pages of one": 1, "pages of three": 3, "no limit": None}.items():
        async with cells.of(operation="listExports", case=case):
            await expect_listed(org.client, listing, exports.ids, limit=limit)
    if can_run_without_workers(target):
        async with workerless_system(fresh_system, target, api_instances=1) as workerless:
            tenant = await workerless.new_organization()
            await Lifecycle(workerless, tenant, cells, cover, observe).look_at(samples)
