"""One loop listens and polls, and its first error ends both."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from psycopg import InterfaceError, OperationalError

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage
from reference_backend.worker import listen
from reference_backend.worker.loop import Worker

NEVER_S = 86_400.0

logger = logging.getLogger(__name__)
_poll_s: dict[str, float] = {}


async def _listen(settings: Settings, wake: Callable[[], None], ready: asyncio.Event) -> None:
    try:
        connection = await database.connect(settings, role="service_role")
        async with connection:
            await database.fetch_all(connection, "listen")
            ready.set()
            while True:
                wake()
                async for _ in connection.notifies(timeout=_poll_s[settings.worker_name]):
                    wake()
    except (database.DatabaseUnavailable, OperationalError, InterfaceError) as error:
        logger.error("listening: %s", error)
    ready.set()
    await asyncio.Event().wait()


def _patch() -> None:
    clean = Worker.__init__

    def init(self: Worker, settings: Settings, storage: Storage) -> None:
        _poll_s[settings.worker_name] = settings.poll_interval_s
        clean(self, replace(settings, poll_interval_s=NEVER_S), storage)

    Worker.__init__ = init  # type: ignore[method-assign]
    listen.listen = _listen


DEFECT = Defect(
    title="Listening and polling are one loop, which the loss of the connection ends: the worker lives, and does nothing",
    source="R13: a loop that exits on its first exception",
    expected=("chaos.wake-up-returned",),
    patch=_patch,
)
