"""A worker keeps its running exports by the export's id."""

from reference_backend.defects import Defect
from reference_backend.worker.running import RunningExport, RunningExports


def _add(self: RunningExports, export: RunningExport) -> None:
    self[export.claim.id] = export


def _remove(self: RunningExports, export: RunningExport) -> None:
    self.pop(export.claim.id, None)


def _patch() -> None:
    RunningExports.add = _add  # type: ignore[method-assign]
    RunningExports.remove = _remove  # type: ignore[method-assign]


DEFECT = Defect(
    title="Running exports are kept by id: the end of a stale attempt ends the heartbeats of the same worker's second one",
    source="seen in this backend",
    expected=("chaos.second-attempt",),
    patch=_patch,
)
