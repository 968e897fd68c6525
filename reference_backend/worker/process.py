"""The worker as a process: metrics, signals, exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import start_http_server

from reference_backend.settings import Settings, SettingsError
from reference_backend.storage.directory import Storage
from reference_backend.worker.loop import Worker

EXIT_NOT_DRAINED = 1

logger = logging.getLogger(__name__)


def main(settings: Settings) -> int:
    """Run a worker until SIGTERM or SIGINT; 0 when it drained in time.

    Raises StorageUnavailable, and SettingsError for a port that is not available.
    """
    storage = Storage(settings.storage_dir)
    storage.prepare()
    asyncio.run(_run(Worker(settings, storage), settings))
    return 0


async def _run(worker: Worker, settings: Settings) -> None:
    def begin_drain() -> None:
        logger.info("draining, %g s at most", settings.drain_grace_s)
        _exit_after(settings.drain_grace_s)
        worker.stop()

    loop = asyncio.get_running_loop()
    # Threads mostly wait for fsync, and disks sync many files in the time of one.
    loop.set_default_executor(ThreadPoolExecutor(2 * settings.worker_concurrency))
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, begin_drain)

    running = asyncio.create_task(worker.run())
    listening = asyncio.create_task(worker.listening.wait())
    await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    server = None
    if settings.port and not running.done():
        # The worker serves metrics, and counts as ready, only once it listens for new exports.
        try:
            server, _ = start_http_server(settings.port, settings.host, worker.metrics.registry)
        except OSError as error:
            worker.stop()
            await running
            raise SettingsError(f"PORT={settings.port}: {error}") from error
        logger.info("worker %s is ready", settings.worker_name)
    await running
    if server is not None:
        server.shutdown()
        server.server_close()


def _exit_after(seconds: float) -> None:
    """End the process even if a thread hangs, for instance in a storage that does not answer."""

    def give_up() -> None:
        logger.error("not drained within %g s, exiting; recovery takes back the rest", seconds)
        logging.shutdown()
        os._exit(EXIT_NOT_DRAINED)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
