"""The export is completed first and its object published afterwards."""

from reference_backend import archive, failpoints
from reference_backend.defects import Defect
from reference_backend.manifest import document
from reference_backend.storage.interface import StoredObject
from reference_backend.worker.completion import Completion
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport


async def _work(self: Exporter, job: RunningExport) -> bool:
    await failpoints.reach("after_claim")
    export = job.claim.export
    inputs = await self._read_inputs(job.claim)
    await failpoints.reach("while_working")
    async with self._storage.stage() as staged:
        manifest = await staged.fill(
            lambda target: archive.write(
                target,
                export,
                inputs.evidence,
                inputs.ledger_lines,
                self._storage.open,
                job.report_progress,
            )
        )
        path = f"exports/{export.organization_id}/{export.export_id}.{staged.sha256}.zip"
        await failpoints.reach("before_commit")
        job.settling = True
        completed = await self._complete(
            Completion(
                claim=job.claim,
                stored=StoredObject(path=path, size=staged.size, sha256=staged.sha256),
                manifest=manifest,
                manifest_hash=document.digest(manifest),
            )
        )
        await failpoints.reach("after_commit")
        await failpoints.reach("before_store")
        await staged.publish(path)
        await failpoints.reach("after_store")
    return completed


def _patch() -> None:
    Exporter.work = _work  # type: ignore[method-assign]


DEFECT = Defect(
    title="An export is ready before its object exists: a kill in between leaves a record without a file",
    source="H11, Q18 and the order of two writes everywhere",
    expected=("chaos.worker-kill",),
    patch=_patch,
)
