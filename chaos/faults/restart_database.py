"""The server restarts: every session ends, and new ones are served a moment later."""

from contextlib import suppress

import psycopg

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault, nothing
from chaos.faults.harmed_database import VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown
from harness.target import Capability

_STARTED = "SELECT pg_postmaster_start_time()::text"


def restart_database(database: HarmedDatabase) -> Fault:
    """Restart the drill's own server; there is nothing left to heal."""
    server = database.own_server
    before: list[object] = []
    ended: list[str] = []

    async def check_possible() -> None:
        before.append(await database.value(_STARTED))

    async def inject() -> None:
        watching = await psycopg.AsyncConnection.connect(database.url, autocommit=True)
        try:
            await server.restart()
            with suppress(StopAsyncIteration):
                await watching.execute("SELECT 1")
        except psycopg.OperationalError as error:
            ended.append(str(error).strip().partition("\n")[0])
        finally:
            await watching.close()

    async def victim_shows() -> str:
        now = await database.value(_STARTED)
        if now == before[-1]:
            raise FaultNotShown(f"the server still runs since {now}")
        return f"the server runs since {now}, before since {before[-1]}"

    async def others_see() -> str:
        if not ended:
            raise FaultNotShown("a session from before the restart is still served")
        return f"a session from before: {ended[-1]}; {await database.works()}"

    return Fault(
        label="restart-database",
        what="restart of the database server",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=nothing,
    )
