"""The connection that holds keys is opened once, with the first key."""

import asyncio

from psycopg import Error

from reference_backend import database
from reference_backend.api import keys_in_flight
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.defects import Defect


async def _lock(self: KeysInFlight, name: str) -> bool:
    try:
        async with asyncio.timeout(self._settings.db_timeout_s), self._turn:
            if self._connection is None:
                self._connection = await database.connect(self._settings, role="authenticated")
            return await keys_in_flight._try_lock(self._connection, name)  # noqa: SLF001
    except (Error, TimeoutError) as error:
        raise database.DatabaseUnavailable(f"cannot hold a key: {error!r}") from error


async def _keep(self: KeysInFlight) -> None:
    """Nothing: it is the connection of this process."""
    del self


def _patch() -> None:
    KeysInFlight._lock = _lock  # type: ignore[method-assign]  # noqa: SLF001
    KeysInFlight._disconnect = _keep  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The connection that holds idempotency keys is never replaced: after an outage every request with a key gets 503",
    source="graphile-worker #541, bullmq #4729: a connection that is remembered for ever",
    expected=("chaos.database-restart",),
    patch=_patch,
)
