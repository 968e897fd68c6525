"""Recovery puts exports back into the queue and leaves the rest to the next poll."""

from collections.abc import Callable

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.settings import Settings
from reference_backend.worker import recovery
from reference_backend.worker.metrics import WorkerMetrics

_recover = recovery.recover


def _patch() -> None:
    async def recover(
        settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
    ) -> None:
        del wake
        await _recover(settings, pool, metrics, lambda: None)

    recovery.recover = recover


DEFECT = Defect(
    title="Recovery wakes nobody: what it takes back waits for the next poll on top of the stuck timeout",
    source="Q3: a second way into the queue that was forgotten",
    expected=("chaos.wake-up-returned",),
    edits=(
        Edit(
            file="queries/recover.sql",
            old=", pg_notify('exports_queued', '')",
            new="",
        ),
    ),
    patch=_patch,
)
