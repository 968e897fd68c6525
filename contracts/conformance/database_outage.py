"""A database that nobody can reach for a while: what the contract calls unavailable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import sql
from psycopg.conninfo import make_conninfo

from harness.database import Database
from harness.errors import Inconclusive
from harness.system import System

_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@asynccontextmanager
async def database_outage(system: System) -> AsyncIterator[None]:
    """Inside the block nobody gets a connection to the system's database, and all were cut.

    The system must belong to the check alone; the server and its other databases go on.
    """
    if system.control_url is None or system.database.name is None:
        raise Inconclusive("this target gives no control of its database")
    name = system.database.name
    maintenance = Database(make_conninfo(system.control_url, dbname="postgres"), writable=True)
    async with maintenance.connect() as connection:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        await connection.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            await connection.execute(_TERMINATE, [name])
            yield
        finally:
            await connection.execute(allow.format(sql.Identifier(name), sql.Literal(True)))
