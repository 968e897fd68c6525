"""No connection is free: those that are open go on, new ones are refused (SQLSTATE 53300)."""

from psycopg import sql

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import SHOWS_WITHIN_S, VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown
from harness.target import Capability

_TOO_MANY = "too many connections"
_LIMIT = "SELECT datconnlimit FROM pg_database WHERE datname = %s"


def exhaust_slots(database: HarmedDatabase) -> Fault:
    """Let the database take no more connections than it has; healing sets the limit it had.

    By the database's own limit: to its clients it is what a full server is, and the server's other
    databases, which others use, notice nothing.
    """
    before: list[int] = []

    async def limit(count: int) -> None:
        async with database.elsewhere() as connection:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(
                    sql.Identifier(database.name), sql.Literal(count)
                )
            )

    async def check_possible() -> None:
        before.append(int(await database.value(_LIMIT, [database.name])))

    async def inject() -> None:
        await limit(0)

    async def victim_shows() -> str:
        if found := await database.value(_LIMIT, [database.name]):
            raise FaultNotShown(f"{database.name} takes {found} connections")
        return "no slot is left"

    async def others_see() -> str:
        return await database.attempt_until(
            lambda got: _TOO_MANY in got, "to find no slot", within_s=SHOWS_WITHIN_S
        )

    async def heal() -> None:
        await limit(before[-1])

    return Fault(
        label="database-slots",
        what=f"exhausted slots of {database.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=database.works,
    )
