"""The worker claims when it is notified; that a place is free again notifies it of nothing."""

from reference_backend.defects import Defect
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import RunningExport


def _patch() -> None:
    clean = Worker._work  # noqa: SLF001

    async def work(self: Worker, export: RunningExport, exporter: Exporter) -> None:
        await clean(self, export, exporter)
        self._wake_up.clear()

    Worker._work = work  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The end of an export wakes nobody: what was queued while all places were taken waits for the poll",
    source="Q3: a notification that arrives while nothing can be done about it",
    expected=("chaos.wake-up",),
    patch=_patch,
)
