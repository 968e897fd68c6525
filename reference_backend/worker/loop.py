"""The worker itself: how its parts run together, from the first claim to the drain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage
from reference_backend.worker import (
    completion,
    drain,
    heartbeat,
    listen,
    litter,
    periodic,
    recovery,
)
from reference_backend.worker.batching import Batching
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.inputs import InputReader
from reference_backend.worker.metrics import WorkerMetrics
from reference_backend.worker.running import Claim, RunningExport, RunningExports

logger = logging.getLogger(__name__)


class Worker:
    """One worker: a process of its own, or a part of an API process."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._running = RunningExports()
        self._wake_up = asyncio.Event()
        self._stop = asyncio.Event()
        self._grace = drain.Grace(settings)
        self.listening = asyncio.Event()
        """Set once the worker is connected and listens for new exports."""
        self.metrics = WorkerMetrics()
        self.metrics.in_progress.set_function(lambda: len(self._running))

    def stop(self) -> None:
        """Begin the drain; `run` returns at its end."""
        self._grace.begin()
        self._stop.set()
        self._wake_up.set()

    async def run(self) -> None:
        """Work until `stop`, then drain within the grace time.

        If one of its parts ended, which must not happen, its error is raised after the drain.
        """
        settings = self._settings
        pool = database.create_pool(settings, role="service_role", autocommit=True)
        async with pool:
            inputs = Batching(InputReader(pool).read, "reading inputs")
            completions = Batching(partial(completion.complete, pool), "completing exports")
            exporter = Exporter(pool, self._storage, inputs.ask, completions.ask)
            completing = asyncio.create_task(completions.run())
            supporting = [completing, *self._support(pool, inputs.run())]
            for task in supporting:
                task.add_done_callback(lambda _: self.stop())  # half a worker is worse than none
            try:
                await self._claim_until_stopped(Claimer(settings, pool, self.metrics), exporter)
                logger.info("draining %d exports", len(self._running))
                await drain.drain(self._running, self._grace, completing)
            finally:
                await periodic.cancel_all(supporting)
            with suppress(database.DatabaseUnavailable):
                await self._sign_off(pool)
        for task in supporting:
            if not task.cancelled():
                task.result()

    def _support(
        self, pool: database.Pool, *batching: Coroutine[None, None, None]
    ) -> list[asyncio.Task[None]]:
        """What runs beside the claiming, until the end of the drain: none of these returns."""
        settings, wake = self._settings, self._wake_up.set
        beat = partial(heartbeat.beat, settings, pool, self._running)
        recover = partial(recovery.recover, settings, pool, self.metrics, wake)
        tidy = partial(litter.remove, pool, self._storage, older_than_s=settings.tidy_s / 3)
        prune = partial(recovery.prune, pool)
        parts = [
            listen.listen(settings, wake, self.listening),
            periodic.every(settings.heartbeat_interval_s, beat, "heartbeat"),
            periodic.every(settings.sweep_interval_s, recover, "recovery"),
            periodic.every(settings.tidy_s / 3, tidy, "removing unfinished objects"),
            periodic.every(recovery.PRUNE_EVERY_S, prune, "pruning"),
            *batching,
        ]
        return [asyncio.create_task(part) for part in parts]

    async def _claim_until_stopped(self, claimer: Claimer, exporter: Exporter) -> None:
        """Claim whenever there is a free place."""
        while not self._stop.is_set():
            self._wake_up.clear()
            free = self._settings.worker_concurrency - len(self._running)
            claims: list[Claim] = []
            if free > 0:
                try:
                    claims = await self.claim(claimer, free)
                except Exception as error:  # an outage of any kind: try again
                    periodic.log_failure("claiming", error)
            for claim in claims:
                export = RunningExport(claim)
                self._running.add(export)
                export.task = asyncio.create_task(self._work(export, exporter), name=str(claim))
            if len(claims) == free > 0:
                continue  # perhaps a place is free again
            # Until an export is queued or ended, or the poll interval is over.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_interval_s):
                    await self._wake_up.wait()

    async def claim(self, claimer: Claimer, free: int) -> list[Claim]:
        """Claim; after `stop` only as long as there is time to release what runs already.

        `stop` does not interrupt a claim at once: if its answer were lost, recovery would have to
        take the claimed exports back.
        """
        claiming = asyncio.create_task(claimer.claim(free))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({claiming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not claiming.done():
                await asyncio.wait({claiming}, timeout=self._grace.left_s(reserved=1.0))
        finally:
            stopping.cancel()
            if not claiming.done():
                # Not waited for: canceling a statement may take as long as the statement.
                claiming.cancel()
        if not claiming.done():
            raise database.DatabaseUnavailable("the claim did not return within the grace time")
        return claiming.result()

    async def _sign_off(self, pool: database.Pool) -> None:
        await database.call(
            pool,
            "worker_stop",
            timeout_s=min(1.0, self._grace.left_s(reserved=0.0)),
            worker=self._settings.worker_name,
            instance=self._running.instance,
        )

    async def _work(self, export: RunningExport, exporter: Exporter) -> None:
        outcome = "stopped"
        try:
            outcome = "ended" if await exporter.work(export) else "stale"
            export.ended = True
            if outcome == "stale":
                logger.warning("%s has a stale token, its result is dropped", export.claim)
        except Exception:
            # Another attempt may succeed. Without heartbeats, recovery takes the export back after
            # the stuck timeout, which is the pause before that attempt.
            outcome = "abandoned"
            self._running.abandoned.append(export.claim)
            logger.exception("%s failed, leaving it to recovery", export.claim)
        finally:
            self._running.remove(export)
            self.metrics.exports.labels(outcome).inc()
            self._wake_up.set()
        if self._stop.is_set():
            await exporter.announce_free_place()
