"""The export is completed first and its object published afterwards."""

from __future__ import annotations

from reference_backend import archive, failpoints
from reference_backend.defects import Defect
from reference_backend.manifest import document
from reference_backend.storage.objects import StoredObject
from reference_backend.worker.completion import Completion
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport


async def _work(self: Exporter, export: RunningExport) -> bool:
    await failpoints.reach("after_claim")
    claim = export.claim
    inputs = await self._read_inputs(claim)
    await failpoints.reach("while_working")
    async with self._storage.stage() as staged:
        manifest = await staged.fill(
            lambda target: archive.write(
                target,
                claim,
                inputs.evidence,
                inputs.ledger_lines,
                self._storage.open,
                export.report_progress,
            )
        )
        path = f"exports/{claim.organization_id}/{claim.id}.{staged.sha256}.zip"
        await failpoints.reach("before_commit")
        export.completing = True
        completed = await self._complete(
            Completion(
                claim=claim,
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
