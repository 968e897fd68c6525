"""SIGTERM ends what runs beside the work first, heartbeats among it."""

import asyncio

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import drain, heartbeat
from reference_backend.worker.drain import Grace
from reference_backend.worker.running import RunningExports

_beat, _drain = heartbeat.beat, drain.drain
_draining = asyncio.Event()


async def _beat_until_drained(
    settings: Settings, pool: database.Pool, running: RunningExports
) -> None:
    if not _draining.is_set():
        await _beat(settings, pool, running)


async def _drain_in_silence(
    running: RunningExports, grace: Grace, completing: asyncio.Task[None]
) -> None:
    _draining.set()
    await _drain(running, grace, completing)


def _patch() -> None:
    heartbeat.beat = _beat_until_drained
    drain.drain = _drain_in_silence


DEFECT = Defect(
    title="Heartbeats end with SIGTERM: what a draining worker still works on is taken from it, and done twice",
    source="known: background tasks that are canceled before the work is over",
    expected=("chaos.heartbeat-holds",),
    patch=_patch,
)
