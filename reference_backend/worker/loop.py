"""The worker itself: how its parts run together, from the first claim to the drain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial

from reference_backend import database, queries
from reference_backend.metrics import WorkerMetrics
from reference_backend.settings import Settings
from reference_backend.storage.interface import Storage
from reference_backend.worker import completion, drain, listen, periodic
from reference_backend.worker.batching import Batching
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.heartbeat import Heartbeat
from reference_backend.worker.inputs import InputReader
from reference_backend.worker.recovery import Sweeper
from reference_backend.worker.running import Claim, RunningExport, RunningExports

logger = logging.getLogger(__name__)


class Worker:
    """One worker: a process of its own, or a part of an API process."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._running = RunningExports()
        self._awake = asyncio.Event()
        self._stop = asyncio.Event()
        self.listening = asyncio.Event()
        """Set once the worker is connected and hears of new exports."""
        self.metrics = WorkerMetrics()
        self.metrics.in_progress.set_function(lambda: len(self._running))

    def stop(self) -> None:
        """Begin the drain; `run` returns when it is over."""
        self._stop.set()
        self._awake.set()

    async def run(self) -> None:
        """Work until `stop`, then drain within the grace time.

        Raises what ended one of its parts, which must not happen, after a drain as well.
        """
        pool = database.create_pool(self._settings, role="service_role", autocommit=True)
        async with pool:
            inputs = Batching(InputReader(pool).read, "reading inputs")
            completions = Batching(partial(completion.complete, pool), "completing exports")
            exporter = Exporter(pool, self._storage, inputs.ask, completions.ask)
            supporting = self._support(pool, inputs.run(), completions.run())
            try:
                await self._claim_until_stopped(
                    Claimer(self._settings, pool, self.metrics), exporter
                )
                logger.info("draining %d exports", len(self._running))
                await drain.drain(self._settings, pool, self._running)
            finally:
                await periodic.cancel_all(supporting)
            await self._say_goodbye(pool)
        for task in supporting:
            if not task.cancelled():
                task.result()

    def _support(
        self, pool: database.Pool, *batching: Coroutine[None, None, None]
    ) -> list[asyncio.Task[None]]:
        """What goes on beside the claiming, until the drain is over: none of these ever returns."""
        settings = self._settings
        heartbeat = Heartbeat(settings, pool, self._running)
        sweeper = Sweeper(settings, pool, self._storage, self.metrics, self._awake.set)
        parts = [
            listen.listen(settings, self._awake.set, self.listening),
            periodic.every(settings.heartbeat_interval_s, heartbeat.beat, "the heartbeat"),
            periodic.every(settings.sweep_interval_s, sweeper.sweep, "the sweep"),
            *batching,
        ]
        tasks = [asyncio.create_task(part) for part in parts]
        for task in tasks:
            task.add_done_callback(lambda _: self.stop())  # half a worker is worse than none
        return tasks

    async def _claim_until_stopped(self, claimer: Claimer, exporter: Exporter) -> None:
        """Keep as many exports in work as there are places for.

        `stop` does not interrupt a claim: one that commits while nobody listens to its answer
        would have to be taken back by recovery.
        """
        while not self._stop.is_set():
            self._awake.clear()
            free = self._settings.worker_concurrency - len(self._running)
            claims: list[Claim] = []
            if free > 0:
                try:
                    claims = await claimer.claim(free)
                except Exception as error:  # an outage, of whatever kind: go on trying
                    periodic.log_failure("claiming", error)
            for claim in claims:
                self._begin(claim, exporter)
            if len(claims) == free > 0:
                continue  # perhaps a place is free again by now
            # Until an export is queued or ended, or it is time to look by oneself.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_interval_s):
                    await self._awake.wait()

    def _begin(self, claim: Claim, exporter: Exporter) -> None:
        job = RunningExport(claim)
        self._running.add(job)
        job.task = asyncio.create_task(self._work(job, exporter), name=str(claim))

    async def _work(self, job: RunningExport, exporter: Exporter) -> None:
        outcome = "stopped"
        try:
            outcome = "ended" if await exporter.work(job) else "stale"
            if outcome == "stale":
                logger.warning("%s belongs to somebody else by now, its result is void", job.claim)
        except Exception:
            # Nobody knows whether another attempt would help. Without heartbeats recovery takes the
            # export back after the stuck timeout, which is the pause before that attempt.
            outcome = "abandoned"
            logger.exception("%s failed, leaving it to recovery", job.claim)
        finally:
            self._running.remove(job)
            self.metrics.exports.labels(outcome).inc()
            self._awake.set()

    async def _say_goodbye(self, pool: database.Pool) -> None:
        """So that nobody waits for a heartbeat of a worker that left in good order."""
        with suppress(database.DatabaseUnavailable):
            await database.call(
                pool,
                queries.load("worker_stop"),
                {"worker": self._settings.worker_name},
                timeout_s=1.0,
            )
