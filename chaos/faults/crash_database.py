"""The server is gone: killed, or shut down at once; it must recover from its log afterwards.

Killed processes show lost commits, not lost disks: the page cache outlives them.
"""

from typing import Literal

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import SHOWS_WITHIN_S, VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown
from harness.machine.logs import tail
from harness.target import Capability

How = Literal["immediate", "kill", "clean"]
"""SIGQUIT (PostgreSQL's immediate shutdown), SIGKILL, or a shutdown with a checkpoint."""

_DURABILITY = """
SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'wal_writer_delay')
"""
"""What the server itself says, to the backend's role in its database: both may have their own."""

_RECOVERED = "redo done at"
_LOG_LINES = 200


def crash_database(database: HarmedDatabase, how: How = "immediate") -> Fault:
    """End the drill's own server; healing starts it again on the same data and port."""
    server = database.own_server
    settings = ""

    async def check_possible() -> None:
        nonlocal settings
        settings = await database.as_backend(_DURABILITY)

    async def inject() -> None:
        if how == "kill":
            server.kill()
        else:
            await server.halt(clean=how == "clean")

    async def victim_shows() -> str:
        if server.is_alive():
            raise FaultNotShown("the database server still runs")
        return f"the server process has ended; for the backend it ran with {settings}"

    async def others_see() -> str:
        return await database.attempt_until(
            lambda got: got.startswith("no connection"), "to be refused", within_s=SHOWS_WITHIN_S
        )

    async def healed() -> str:
        works = await database.works()
        if how == "clean":
            return works
        if _RECOVERED not in tail(server.log_path, _LOG_LINES):
            raise FaultNotShown("the server's log shows no recovery: the server did not crash")
        return f"{works}; the log says that the server has recovered"

    return Fault(
        label=f"database-{how}",
        what=f"end of the database server ({how})",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=server.restart,
        healed=healed,
    )
