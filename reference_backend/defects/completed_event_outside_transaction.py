"""The completion event is written after the transaction that made the export ready."""

from __future__ import annotations

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport

_APPEND = """
SELECT act_for_organization(e.organization_id)::text, ledger_append(
    e.organization_id, 'export.completed', 'export', e.id, jsonb_build_object(
        'job_id', e.job_id, 'export_type', e.export_type, 'attempt', e.attempt, 'manifest_hash', e.manifest_hash,
        'object_sha256', e.object_sha256, 'object_size', e.object_size))
FROM exports AS e WHERE e.id = %(id)s
"""


def _patch() -> None:
    clean = Exporter.work

    async def work(self: Exporter, export: RunningExport) -> bool:
        completed = await clean(self, export)
        if completed:
            async with database.worker_transaction(self._pool) as connection:
                await connection.execute(_APPEND, {"id": export.claim.id})
        return completed

    Exporter.work = work  # type: ignore[method-assign]


DEFECT = Defect(
    title="The completion event is written outside the transaction that sets ready: a kill in between loses it",
    source="P16, H11",
    expected=("chaos.worker-kill",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""        PERFORM ledger_append(
            v_export.organization_id, 'export.completed', 'export', v_export.id, jsonb_build_object(
                'job_id', v_export.job_id, 'export_type', v_export.export_type, 'attempt', v_export.attempt,
                'manifest_hash', v_export.manifest_hash, 'object_sha256', v_export.object_sha256,
                'object_size', v_export.object_size));
""",
            new="",
        ),
    ),
    patch=_patch,
)
