"""A worker that starts takes back everything in progress, as if it were the only one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import recovery
from reference_backend.worker.metrics import WorkerMetrics


def _patch() -> None:
    clean = recovery.recover
    done: list[bool] = []

    async def recover(
        settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
    ) -> None:
        timeout_s = settings.stuck_timeout_s if done else 0.0
        await clean(replace(settings, stuck_timeout_s=timeout_s), pool, metrics, wake)
        done.append(True)

    recovery.recover = recover


DEFECT = Defect(
    title="A worker that starts takes back all that is in progress: two that start together do exports twice",
    source="known: start-up clean-up that was right for one worker",
    expected=("chaos.all-workers",),
    patch=_patch,
)
