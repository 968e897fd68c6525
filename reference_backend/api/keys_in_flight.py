"""Which idempotency keys are in use right now, in all API processes.

An upload may take minutes, and a second one with the same key should get a 409 at once instead of
being received for nothing. Each process holds one session-level advisory lock per key in flight,
all on one connection of its own: when the process dies, the connection ends and its locks with it.

This only saves work. The primary key of `idempotency_keys` guarantees that a key counts once, in
the transaction that seals the upload. So nothing else is lost when the connection loses its locks.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg import Error

from reference_backend import database
from reference_backend.api.problems import Problem
from reference_backend.settings import Settings

_log = logging.getLogger(__name__)


class KeysInFlight:
    """The keys that this process holds; close it when the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: database.Connection | None = None
        self._turn = asyncio.Lock()  # one statement at a time on the connection
        self._mine: set[str] = set()  # PostgreSQL would grant a session its own locks again

    @asynccontextmanager
    async def hold(self, organization_id: UUID, route: str, key: str) -> AsyncIterator[None]:
        """Hold the key during the block.

        Raises Problem (409) if another request holds it, and DatabaseUnavailable.
        """
        name = f"idempotency:{organization_id}:{route}:{key}"
        if name in self._mine:
            raise _in_flight()
        self._mine.add(name)
        try:
            if not await self._lock(name):
                raise _in_flight()
            try:
                yield
            finally:
                await self._unlock(name)
        finally:
            self._mine.discard(name)

    async def close(self) -> None:
        """Release everything."""
        async with self._turn:
            await self._disconnect()

    async def _lock(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._settings.db_timeout_s), self._turn:
                if self._connection is not None:
                    try:
                        return await _try_lock(self._connection, name)
                    except Error:  # the database restarted since the last key
                        await self._disconnect()
                self._connection = await database.connect(self._settings, role="authenticated")
                return await _try_lock(self._connection, name)
        except BaseException as error:
            await self._disconnect()  # the lock may or may not be held: now it is not
            if isinstance(error, Error | TimeoutError):
                raise database.DatabaseUnavailable(f"cannot hold a key: {error!r}") from error
            raise

    async def _unlock(self, name: str) -> None:
        try:
            async with asyncio.timeout(self._settings.db_timeout_s), self._turn:
                if self._connection is not None:
                    query = "api/unlock_idempotency_key"
                    await database.fetch_all(self._connection, query, name=name)
        except BaseException as error:
            await self._disconnect()  # this releases the lock as well
            if not isinstance(error, Error | TimeoutError):
                raise
            _log.warning("lost the connection that holds idempotency keys: %r", error)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _try_lock(connection: database.Connection, name: str) -> bool:
    [row] = await database.fetch_all(connection, "api/lock_idempotency_key", name=name)
    return bool(row["held"])


def _in_flight() -> Problem:
    return Problem(
        "idempotency_key_in_flight", "Another request with this key is in progress; try again."
    )
