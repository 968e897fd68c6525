"""A worker takes back stuck exports once, when it starts."""

from __future__ import annotations

from collections.abc import Callable

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
        if not done:
            await clean(settings, pool, metrics, wake)
            done.append(True)

    recovery.recover = recover


DEFECT = Defect(
    title="A worker looks for stuck exports only when it starts: what has just fallen silent stays stuck",
    source="known: recovery as a step of start-up, such as resque and early Celery result back ends",
    expected=("chaos.poison", "chaos.all-workers"),
    patch=_patch,
)
