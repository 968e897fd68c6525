"""A worker whose completion comes too late fails the export, whoever works on it by then."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport

_work = Exporter.work


async def _fail_what_was_lost(self: Exporter, export: RunningExport) -> bool:
    if await _work(self, export):
        return True
    return await self._fail(export.claim, "completion_refused", "it could not be completed")


def _patch() -> None:
    Exporter.work = _fail_what_was_lost  # type: ignore[method-assign]


DEFECT = Defect(
    title="A completion that is refused fails the export, by its id: a paused worker that wakes up ends what another worker owns",
    source="R1: procrastinate let a stale FAILED through while another worker owned the job",
    expected=("chaos.worker-pause-zombie",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="WHERE e.id = p_id AND e.claim_token = p_token AND e.state = 'preparing'",
            new="WHERE e.id = p_id AND e.state = 'preparing'",
        ),
    ),
    patch=_patch,
)
