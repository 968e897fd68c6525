"""The API as an aiohttp application, and as a process."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from reference_backend import database
from reference_backend.api import middleware, protocol
from reference_backend.api.context import SERVICES, Services
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.requests_in_flight import RequestsInFlight
from reference_backend.api.routes import all_routes
from reference_backend.settings import EXIT_MISCONFIGURED, Settings
from reference_backend.storage.directory import DirectoryStorage
from reference_backend.storage.interface import Storage, StorageUnavailable

CANCEL_TIMEOUT_S = 0.5
"""What requests get that are canceled after the drain grace, to leave nothing behind."""
_log = logging.getLogger(__name__)


def build(services: Services) -> web.Application:
    """The application with all its routes; whoever owns the services opens and closes them."""
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
    """The API on its address, from here to the end of the block; gives the port.

    At the end no new requests are taken and those in flight are finished, within the drain grace.
    Raises OSError where the address is not to be had.
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
    """Serve until SIGTERM or SIGINT; with RUN_WORKER, a worker beside it.

    Raises OSError and StorageUnavailable where it cannot begin.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    storage = DirectoryStorage(settings.storage_dir)
    await asyncio.to_thread(storage.prepare)
    async with (
        _worker_beside(settings, storage, stop) as stop_worker,
        serving(settings, storage) as port,
    ):
        _log.info("listening on %s:%d", settings.host, port)
        await stop.wait()
        _log.info("stopping: requests in flight are finished, new ones are not taken")
        stop_worker()  # both drain at once: there is one grace time


@asynccontextmanager
async def _worker_beside(
    settings: Settings, storage: Storage, stop: asyncio.Event
) -> AsyncIterator[Callable[[], None]]:
    """With RUN_WORKER a worker in this process; should it end by itself, so does the process.

    Gives what begins its drain; leaving waits for the end of that.
    """
    if not settings.run_worker:
        yield lambda: None
        return
    from reference_backend.worker.loop import Worker  # an API alone has no use for it  # noqa: PLC0415

    worker = Worker(settings, storage)
    running = asyncio.create_task(worker.run())
    running.add_done_callback(lambda _: stop.set())
    try:
        yield worker.stop
    finally:
        worker.stop()
        await running


def main(settings: Settings) -> int:
    """Run the API process. 0: asked to stop and stopped; 3: it could not begin."""
    try:
        asyncio.run(run(settings))
    except (OSError, StorageUnavailable) as error:
        print(f"reference_backend: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_MISCONFIGURED
    return 0
