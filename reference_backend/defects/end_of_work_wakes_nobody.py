"""The worker claims when it is notified; that a place is free again notifies it of nothing."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import RunningExport

_working: set[asyncio.Task[None] | None] = set()


class _Notified(asyncio.Event):
    """Set by notifications, and not by exports that have ended."""

    def set(self) -> None:
        if asyncio.current_task() not in _working:
            super().set()


def _patch() -> None:
    clean_init, clean_work = Worker.__init__, Worker._work  # noqa: SLF001

    def init(self: Worker, settings: Settings, storage: Storage) -> None:
        clean_init(self, settings, storage)
        self._wake_up = _Notified()

    async def work(self: Worker, export: RunningExport, exporter: Exporter) -> None:
        task = asyncio.current_task()
        _working.add(task)
        try:
            await clean_work(self, export, exporter)
        finally:
            _working.discard(task)

    Worker.__init__ = init  # type: ignore[method-assign]
    Worker._work = work  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The end of an export wakes nobody: what was queued while all places were taken waits for the poll",
    source="Q3: a notification that arrives while nothing can be done about it",
    expected=("chaos.wake-up",),
    patch=_patch,
)
