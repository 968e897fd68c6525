"""The API as an aiohttp application, and as a process."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from reference_backend import database
from reference_backend.api import middleware, protocol
from reference_backend.api.context import SERVICES, Services
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.requests_in_flight import RequestsInFlight
from reference_backend.api.routes import all_routes
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage

CANCEL_TIMEOUT_S = 0.5
"""Time to clean up, for requests that are canceled after the drain grace."""
_log = logging.getLogger(__name__)


def build(services: Services) -> web.Application:
    """The application with all its routes; the caller opens and closes the services."""
    application = web.Application(middlewares=[middleware.answer_problems])
    application[SERVICES] = services
    application.on_response_prepare.append(middleware.complete_headers)
    for route in all_routes():
        # A GET answers HEAD as well.
        add = application.router.add_get if route.method == "GET" else application.router.add_post
        add(
            route.path,
            middleware.guarded(route),
            expect_handler=middleware.ignore_expectation,
        )
    return application


@asynccontextmanager
async def serving(settings: Settings, storage: Storage) -> AsyncIterator[int]:
    """Serve the API during the block; yields the port.

    At the end no new requests are accepted and those in flight are finished, within the drain
    grace. Raises OSError if the address is not available.
    """
    keys, requests = KeysInFlight(settings), RequestsInFlight()
    async with database.create_pool(settings) as pool:
        services = Services(
            settings=settings,
            pool=pool,
            storage=storage,
            keys_in_flight=keys,
            requests=requests,
        )
        runner = web.AppRunner(build(services), shutdown_timeout=CANCEL_TIMEOUT_S)
        await runner.setup()
        try:
            server = await protocol.listen(runner, settings.host, settings.port)
            try:
                yield server.sockets[0].getsockname()[1]
            finally:
                server.close()
                await requests.drain(settings.drain_grace_s)
        finally:
            await runner.cleanup()
            await keys.close()


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; with RUN_WORKER, also run a worker.

    Raises OSError and StorageUnavailable if it cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    storage = Storage(settings.storage_dir)
    await asyncio.to_thread(storage.prepare)
    async with (
        _worker_in_process(settings, storage, stop) as stop_worker,
        serving(settings, storage) as port,
    ):
        _log.info("listening on %s:%d", settings.host, port)
        await stop.wait()
        _log.info("stopping: requests in flight are finished, new ones are not accepted")
        stop_worker()  # both drain at the same time, within one grace time


@asynccontextmanager
async def _worker_in_process(
    settings: Settings, storage: Storage, stop: asyncio.Event
) -> AsyncIterator[Callable[[], None]]:
    """With RUN_WORKER, a worker in this process; if the worker ends by itself, so does the process.

    Yields a function that begins its drain; the end of the block waits for the end of the drain.
    """
    if not settings.run_worker:
        yield lambda: None
        return
    from reference_backend.worker.loop import Worker  # only if needed  # noqa: PLC0415

    worker = Worker(settings, storage)
    running = asyncio.create_task(worker.run())
    running.add_done_callback(lambda _: stop.set())
    try:
        yield worker.stop
    finally:
        worker.stop()
        await running


def main(settings: Settings) -> int:
    """Run the API until it is asked to stop; raises what `run` raises."""
    asyncio.run(run(settings))
    return 0
