"""The database takes no writes, as after a failover to a server that is still a standby."""

from psycopg import sql

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import SHOWS_WITHIN_S, VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown
from harness.target import Capability

_WRITE = "CREATE TABLE shakedown_probe ()"
_READ_ONLY = "25006"
_SETTING = """
SELECT EXISTS (
    SELECT FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
    WHERE d.datname = %s AND s.setrole = 0
      AND 'default_transaction_read_only=on' = ANY (s.setconfig)
)
"""
_DISCONNECT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def make_read_only(database: HarmedDatabase) -> Fault:
    """Let new sessions be read-only, and end those that are there; healing does the reverse."""

    async def switch(change: str) -> None:
        async with database.elsewhere() as connection:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} {}").format(
                    sql.Identifier(database.name), sql.SQL(change)
                )
            )
            await connection.execute(_DISCONNECT, [database.name])

    async def inject() -> None:
        await switch("SET default_transaction_read_only = on")

    async def victim_shows() -> str:
        if not await database.value(_SETTING, [database.name]):
            raise FaultNotShown(f"{database.name} does not have default_transaction_read_only = on")
        return "default_transaction_read_only = on"

    async def others_see() -> str:
        return await database.attempt_until(
            lambda got: got.startswith(_READ_ONLY),
            "to be refused a write",
            sql=_WRITE,
            within_s=SHOWS_WITHIN_S,
        )

    async def heal() -> None:
        await switch("RESET default_transaction_read_only")

    async def healed() -> str:
        got = await database.attempt_until(
            lambda got: not got.startswith(_READ_ONLY),
            "to be let write",
            sql=_WRITE,
            within_s=SHOWS_WITHIN_S,
        )
        return f"a write: {got}"

    return Fault(
        label="database-read-only",
        what=f"read-only {database.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=healed,
    )
