"""The wake-up is cleared when the claim has returned, and not before it begins."""

import asyncio
from contextlib import suppress

from reference_backend.defects import Defect
from reference_backend.worker import periodic
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import Claim, RunningExport


async def _claim_until_stopped(self: Worker, claimer: Claimer, exporter: Exporter) -> None:
    while not self._stop.is_set():
        free = self._settings.worker_concurrency - len(self._running)
        claims: list[Claim] = []
        if free > 0:
            try:
                claims = await self.claim(claimer, free)
            except Exception as error:
                periodic.log_failure("claiming", error)
        for claim in claims:
            export = RunningExport(claim)
            self._running.add(export)
            export.task = asyncio.create_task(self._work(export, exporter), name=str(claim))
        if self._stop.is_set() or len(claims) == free > 0:
            continue
        self._wake_up.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.poll_interval_s):
                await self._wake_up.wait()


def _patch() -> None:
    Worker._claim_until_stopped = _claim_until_stopped  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker clears its wake-up after the claim: a notification that arrives while it claims is lost until the poll",
    source="known: check and clear in the wrong order, as with condition variables",
    expected=("chaos.wake-up",),
    patch=_patch,
)
