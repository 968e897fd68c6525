"""Changing rows of a table past its triggers and rules, while the backend's own writes keep them.

The backend may go on to write: nothing is switched off for its sessions. Most triggers do not act
in a session of a replica; those that do are off inside one transaction only, which no other
session sees.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

_ALSO_IN_REPLICAS = """
WITH RECURSIVE tables AS (
    SELECT %(table)s::regclass::oid AS relid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN tables AS t ON i.inhparent = t.relid
)
SELECT relid::regclass::text AS relation, 'TRIGGER ' || quote_ident(tgname) AS name,
       tgenabled::text AS enabled
FROM tables JOIN pg_trigger ON tgrelid = relid WHERE tgenabled IN ('A', 'R')
UNION ALL
SELECT relid::regclass::text, 'RULE ' || quote_ident(rulename), ev_enabled::text
FROM tables JOIN pg_rewrite ON ev_class = relid WHERE ev_enabled IN ('A', 'R')
"""
"""Triggers and rules of a table and its partitions that act in a replica's session, too."""

_ENABLED = {"A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@asynccontextmanager
async def past_triggers(connection: AsyncConnection[Any], table: str) -> AsyncIterator[None]:
    """A transaction in which no trigger and no rule of the table acts on this connection.

    The table's name is quoted. `psycopg.Error` where the user may not do this.
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        cursor = await connection.execute(_ALSO_IN_REPLICAS, {"table": table})
        acting = await cursor.fetchall()
        # This also locks out writers until the transaction ends.
        for each in acting:
            await _alter(connection, each["relation"], f"DISABLE {each['name']}")
        yield
        for each in acting:
            await _alter(
                connection, each["relation"], f"{_ENABLED[each['enabled']]} {each['name']}"
            )


async def _alter(connection: AsyncConnection[Any], relation: str, change: str) -> None:
    await connection.execute(f"ALTER TABLE ONLY {relation} {change}".encode())
