"""Which idempotency keys are being worked on right now, over all API processes.

An upload may take minutes, and a second one with the same key must be told to wait (409) rather
than be received in vain. Each process holds one session-level advisory lock per key in flight, all
on one connection of its own: when the process dies, so does the connection, and nothing is left
locked. That is a courtesy to clients and not what makes a key count once: the primary key of
`idempotency_keys` does, in the transaction that seals the upload. So a lost connection, which
loses its locks, loses nothing else.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg import Error

from reference_backend import database, queries
from reference_backend.api.problems import Problem
from reference_backend.settings import Settings

_log = logging.getLogger(__name__)


class KeysInFlight:
    """The keys that this process holds; close it when the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: database.Connection | None = None
        self._turn = asyncio.Lock()  # one statement at a time on the connection
        self._mine: set[str] = set()  # a session may take its own locks again, so it must know them

    @asynccontextmanager
    async def hold(self, organization_id: UUID, route: str, key: str) -> AsyncIterator[None]:
        """Hold the key while the request is worked on.

        Raises Problem (409) where another request holds it, and DatabaseUnavailable.
        """
        name = f"idempotency:{organization_id}:{route}:{key}"
        if name in self._mine:
            raise _in_flight()
        self._mine.add(name)
        try:
            if not await self._take(name):
                raise _in_flight()
            try:
                yield
            finally:
                await self._let_go(name)
        finally:
            self._mine.discard(name)

    async def close(self) -> None:
        """Let go of everything."""
        async with self._turn:
            await self._disconnect()

    async def _take(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._settings.db_timeout_s), self._turn:
                return await self._try_lock(name)
        except BaseException as error:
            await self._disconnect()  # whether it was taken is unknown: now it is not
            if isinstance(error, Error | TimeoutError):
                raise database.DatabaseUnavailable(f"cannot hold a key: {error!r}") from error
            raise

    async def _try_lock(self, name: str) -> bool:
        statement, parameters = queries.load("api/lock_idempotency_key"), {"name": name}
        if self._connection is not None:
            try:
                cursor = await self._connection.execute(statement, parameters)
                return bool((await cursor.fetchone() or {})["held"])
            except Error:  # the database restarted since the last key
                await self._disconnect()
        self._connection = await database.connect(self._settings, role="authenticated")
        cursor = await self._connection.execute(statement, parameters)
        return bool((await cursor.fetchone() or {})["held"])

    async def _let_go(self, name: str) -> None:
        try:
            async with asyncio.timeout(self._settings.db_timeout_s), self._turn:
                if self._connection is not None:
                    await self._connection.execute(
                        queries.load("api/unlock_idempotency_key"), {"name": name}
                    )
        except BaseException as error:
            await self._disconnect()  # and with it goes the lock
            if not isinstance(error, Error | TimeoutError):
                raise
            _log.warning("lost the connection that holds idempotency keys: %r", error)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _in_flight() -> Problem:
    return Problem(
        "idempotency_key_in_flight", "Another request with this key is being worked on; ask again."
    )
