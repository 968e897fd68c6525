"""The worker listens on one connection, for as long as that lasts."""

import asyncio
import logging
from collections.abc import Callable

from psycopg import InterfaceError, OperationalError

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import listen

logger = logging.getLogger(__name__)


async def _listen(settings: Settings, wake: Callable[[], None], ready: asyncio.Event) -> None:
    try:
        connection = await database.connect(settings, role="service_role")
        async with connection:
            await database.fetch_all(connection, "listen")
            ready.set()
            wake()
            async for _ in connection.notifies():
                wake()
    except (database.DatabaseUnavailable, OperationalError, InterfaceError) as error:
        logger.warning("no notifications any more, polling: %s", error)
    ready.set()
    await asyncio.Event().wait()


def _patch() -> None:
    listen.listen = _listen


DEFECT = Defect(
    title="A worker whose connection for notifications is lost never listens again: from then on it only polls",
    source="pgqueuer, procrastinate #1134: a listener that does not reconnect",
    expected=("chaos.wake-up",),
    patch=_patch,
)
