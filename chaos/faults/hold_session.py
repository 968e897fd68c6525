"""A session of another client that holds something: a snapshot, a row, a table.

Such as a report that runs for hours, a forgotten console, a migration.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.abc import Query

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown
from harness.target import Capability

GRANTED_WITHIN_S = 2.0
"""How long a lock may take: others wait behind it meanwhile."""

_ITS_SNAPSHOT = "SELECT backend_xmin::text FROM pg_stat_activity WHERE pid = %s"
_ITS_LOCKS = "SELECT count(*) FROM pg_locks WHERE pid = %s AND granted AND locktype = 'relation'"
_PROBE = "shakedown_held"

Effect = Callable[[], Awaitable[bool]]


def hold_row(database: HarmedDatabase, table: str, where: str, key: object) -> Fault:
    """Hold a row lock: `SELECT … FOR UPDATE`, of the rows of a table where a column has a value."""
    condition = sql.SQL("{} = {}").format(sql.SQL(where), sql.Literal(key))
    select = sql.SQL("SELECT FROM {} WHERE {} FOR UPDATE").format(sql.SQL(table), condition)
    return _hold(
        database,
        label="row-lock",
        what=f"lock of a row of {table}",
        take=select,
        shows=_ITS_LOCKS,
        is_met=lambda: _is_taken(database, select + sql.SQL(" NOWAIT")),
        effect="another client's FOR UPDATE NOWAIT is refused (55P03)",
        needs_rows=True,
    )


def hold_table(database: HarmedDatabase, table: str, mode: str = "ACCESS EXCLUSIVE") -> Fault:
    """Hold a table lock, as a migration does."""
    lock = sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.SQL(table), sql.SQL(mode))
    return _hold(
        database,
        label="table-lock",
        what=f"lock of {table} ({mode})",
        take=lock,
        shows=_ITS_LOCKS,
        is_met=lambda: _is_taken(database, lock + sql.SQL(" NOWAIT")),
        effect="another client's LOCK NOWAIT is refused (55P03)",
    )


def hold_snapshot(database: HarmedDatabase) -> Fault:
    """Hold a snapshot: nothing that is deleted or updated meanwhile can be cleaned away."""
    return _hold(
        database,
        label="snapshot",
        what=f"snapshot in {database.name}",
        take=sql.SQL("SELECT count(*) FROM pg_class"),
        shows=_ITS_SNAPSHOT,
        is_met=lambda: _cannot_be_cleaned(database),
        effect="VACUUM keeps a row that was deleted after it",
    )


def _hold(
    database: HarmedDatabase,
    *,
    label: str,
    what: str,
    take: Query,
    shows: str,
    is_met: Effect,
    effect: str,
    needs_rows: bool = False,
) -> Fault:
    held = AsyncExitStack()
    pid = 0

    async def inject() -> None:
        nonlocal pid
        connection: AsyncConnection[tuple[object, ...]] = await AsyncConnection.connect(
            database.control_url, connect_timeout=10
        )
        held.push_async_callback(connection.close)
        pid = connection.info.backend_pid
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute(f"SET LOCAL lock_timeout = '{GRANTED_WITHIN_S:g}s'".encode())
        try:
            found = await connection.execute(take)
        except psycopg.errors.LockNotAvailable as error:
            raise FaultNotShown(
                f"{what}: not granted within {GRANTED_WITHIN_S:g} s, another session holds it"
            ) from error
        if needs_rows and not found.rowcount:
            raise FaultNotShown(f"{what}: there is no such row, so nothing is held")

    async def victim_shows() -> str:
        if not await database.value(shows, [pid]):
            raise FaultNotShown(f"session {pid} holds nothing")
        return f"session {pid} holds it"

    async def others_see() -> str:
        if not await is_met():
            raise FaultNotShown(f"not so: {effect}")
        return effect

    async def healed() -> str:
        # Not by the effect: what the backend itself locks would look the same.
        await database.expect_ended(pid)
        return f"session {pid} has ended"

    return Fault(
        label=f"hold-{label}",
        what=what,
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=held.aclose,
        healed=healed,
    )


async def _is_taken(database: HarmedDatabase, statement: Query) -> bool:
    """Whether a lock cannot be had at once."""
    async with await AsyncConnection.connect(database.control_url, connect_timeout=10) as asking:
        try:
            await asking.execute(statement)
        except psycopg.errors.LockNotAvailable:
            return True
        finally:
            await asking.rollback()
    return False


async def _cannot_be_cleaned(database: HarmedDatabase) -> bool:
    """Whether a row that is deleted now stays after a VACUUM, in a table of our own."""
    notices: list[str] = []
    async with database.control() as connection:
        connection.add_notice_handler(lambda diag: notices.append(diag.message_primary or ""))
        await connection.execute(f"CREATE TABLE {_PROBE} AS SELECT 1 AS n".encode())
        try:
            await connection.execute(f"DELETE FROM {_PROBE}".encode())  # noqa: S608 - our own table
            await connection.execute(f"VACUUM (VERBOSE) {_PROBE}".encode())
        finally:
            await connection.execute(f"DROP TABLE {_PROBE}".encode())
    return any("1 are dead but not yet removable" in each for each in notices)
