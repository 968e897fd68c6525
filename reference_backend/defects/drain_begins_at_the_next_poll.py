"""SIGTERM sets a flag, and the loop looks at it when it polls."""

import asyncio
from contextlib import suppress

from reference_backend.defects import Defect
from reference_backend.worker import periodic
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import Claim, RunningExport


def _note_the_signal(self: Worker) -> None:
    self._grace.begin()
    self._stop.set()


async def _claim_until_polled(self: Worker, claimer: Claimer, exporter: Exporter) -> None:
    loop = asyncio.get_running_loop()
    while not self._stop.is_set():
        poll_at = loop.time() + self._settings.poll_interval_s
        while (left_s := poll_at - loop.time()) > 0:
            self._wake_up.clear()
            await _fill_places(self, claimer, exporter)
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wake_up.wait()


async def _fill_places(self: Worker, claimer: Claimer, exporter: Exporter) -> None:
    free = self._settings.worker_concurrency - len(self._running)
    claims: list[Claim] = []
    if free > 0:
        try:
            claims = await claimer.claim(free)
        except Exception as error:
            periodic.log_failure("claiming", error)
    for claim in claims:
        export = RunningExport(claim)
        self._running.add(export)
        export.task = asyncio.create_task(self._work(export, exporter), name=str(claim))
    if len(claims) == free > 0:
        self._wake_up.set()


def _patch() -> None:
    Worker.stop = _note_the_signal  # type: ignore[method-assign]
    Worker._claim_until_stopped = _claim_until_polled  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker notices SIGTERM at its next poll and claims on until then: one that NOTIFY wakes polls seldom, and its grace is over",
    source="known: `while not stopping: wait(poll_interval)`, whose wait the signal does not end",
    expected=("chaos.drain",),
    patch=_patch,
)
