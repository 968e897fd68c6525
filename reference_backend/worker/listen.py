"""Listening for new exports. Polling is the fallback: a lost notification only costs time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from psycopg import InterfaceError, OperationalError

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.periodic import Backoff

SILENCE_S = 10.0

logger = logging.getLogger(__name__)


async def listen(settings: Settings, wake: Callable[[], None], ready: asyncio.Event) -> None:
    """Call ``wake`` for every notification, forever; set ``ready`` once listening.

    After a lost connection it listens on a new one and calls ``wake``, because exports may have
    been queued in between. After some silence a query checks that the server is still there.
    """
    backoff = Backoff()
    while True:
        try:
            connection = await database.connect(settings, role="service_role")
            async with connection:
                await database.fetch_all(connection, "listen")
                ready.set()
                backoff.reset()
                wake()
                while True:
                    async for _ in connection.notifies(timeout=SILENCE_S):
                        wake()
                    async with asyncio.timeout(settings.db_timeout_s):
                        await connection.execute("SELECT 1")
        except (
            database.DatabaseUnavailable, OperationalError, InterfaceError, TimeoutError
        ) as error:  # fmt: skip
            logger.warning("cannot listen for new exports, polling continues: %s", error)
        await backoff.pause()
