"""What a refused request had begun is neither committed nor rolled back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from reference_backend import database
from reference_backend.api import context
from reference_backend.database import Connection, Pool, Role
from reference_backend.defects import Defect

_free: list[Connection] = []


@asynccontextmanager
async def _kept_transaction(
    pool: Pool, role: Role, claims: str, timeout_s: float | None
) -> AsyncIterator[Connection]:
    """On the connection that was free last; one that is still in a transaction begins anew later."""
    async with asyncio.timeout(pool.timeout if timeout_s is None else timeout_s):
        if _free and not _free[-1].closed:
            connection = _free.pop()
            await connection.rollback()
        else:
            connection = await AsyncConnection.connect(
                str(pool.conninfo).replace("idle_in_transaction_session_timeout", "lock_timeout"),
                row_factory=dict_row,
            )
        try:
            await database.fetch_one(connection, "set_identity", role=role, claims=claims)
            yield connection
            await connection.commit()
        finally:
            _free.append(connection)


def _tenant_transaction(
    pool: Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    return _kept_transaction(pool, "authenticated", json.dumps(dict(claims)), timeout_s)


def _patch() -> None:
    vars(context)["tenant_transaction"] = _tenant_transaction


DEFECT = Defect(
    title="A request that fails leaves its transaction open until the next one comes: its locks and its snapshot stay",
    source="R9: idle in transaction after an error",
    expected=("chaos.health",),
    patch=_patch,
)
