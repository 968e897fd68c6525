"""A request has a connection of its own, which only the way without errors closes."""

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

_open: set[Connection] = set()
"""Closed when the process ends."""


@asynccontextmanager
async def _own_transaction(
    pool: Pool, role: Role, claims: str, timeout_s: float | None
) -> AsyncIterator[Connection]:
    async with asyncio.timeout(pool.timeout if timeout_s is None else timeout_s):
        connection = await AsyncConnection.connect(str(pool.conninfo), row_factory=dict_row)
        _open.add(connection)
        await database.fetch_one(connection, "set_identity", role=role, claims=claims)
        try:
            yield connection
        except BaseException:
            await connection.rollback()
            raise
        await connection.commit()
        _open.discard(connection)
        await connection.close()


def _tenant_transaction(
    pool: Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    return _own_transaction(pool, "authenticated", json.dumps(dict(claims)), timeout_s)


def _patch() -> None:
    vars(context)["tenant_transaction"] = _tenant_transaction


DEFECT = Defect(
    title="A request that fails keeps its connection: the server's slots run out with the number of refusals",
    source="R9: connections that leak on an error path",
    expected=("chaos.health",),
    patch=_patch,
)
