"""Sessions are ended by the server: all, those of one instance, or the one that listens."""

from collections.abc import Callable, Mapping
from typing import Literal

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault, nothing
from chaos.faults.harmed_database import SHOWS_WITHIN_S, VICTIM, HarmedDatabase
from chaos.faults.link import database_link
from chaos.faults.proof import FaultNotShown
from harness.network.connection import Connection
from harness.system import Instance, System
from harness.target import Capability
from harness.waiting import wait_until

Which = Literal["all", "listening"]

_WAIT_MS = 5000
_END = f"""
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, {_WAIT_MS})) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (%s::int[] IS NULL OR pid = ANY (%s))
"""  # noqa: S608 - a number
_LEFT = """
SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid = ANY (%s)
"""
_PIDS = """
SELECT array_agg(pid) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (%s::int[] IS NULL OR pid = ANY (%s))
"""


def end_all_sessions(database: HarmedDatabase) -> Fault:
    """End every session of the database, ours included: each client must connect anew."""
    pids: list[int] = []
    ended: list[int] = []

    async def check_possible() -> None:
        pids.extend(await _pids(database, None))

    async def inject() -> None:
        ended.append(await _end(database, None))

    async def others_see() -> str:
        if not ended[-1]:
            raise FaultNotShown("the server ended no session")
        return f"the server ended {ended[-1]} sessions; {await database.works()}"

    return Fault(
        label="end-sessions-all",
        what=f"end of all sessions of {database.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=lambda: _expect_gone(database, pids),
        others_see=others_see,
        heal=nothing,
    )


def end_sessions_of(
    system: System, database: HarmedDatabase, victim: Instance, which: Which = "all"
) -> Fault:
    """End the sessions of one instance, or the one on which it listens.

    No view of the server shows who listens: the proxy heard it, and which process of the server
    serves the session (its port would not do: an engine's own proxy may lie between). Our proxy is
    who sees that they are ended.
    """
    link = database_link(system, victim)
    wanted = "listens" if which == "listening" else "is open"
    hit: dict[Connection, int] = {}
    pids: list[int] = []

    def chosen() -> Mapping[Connection, int]:
        assert system.network is not None
        sessions = system.network.sessions(victim.name)
        return {
            connection: each.backend_pid
            for connection, each in sessions.items()
            if each.backend_pid and (each.listens or which == "all")
        }

    async def check_possible() -> None:
        link.require_used()
        hit.update(
            await wait_until(
                chosen,
                SHOWS_WITHIN_S,
                f"a session of {victim.name} that {wanted}",
                error=FaultNotShown,
            )
        )
        pids.extend(await _pids(database, list(hit.values())))

    async def inject() -> None:
        await _end(database, list(hit.values()))

    async def others_see() -> str:
        await _until(lambda: not hit.keys() & set(link.proxy.open), f"{link.what}: its end")
        others = len(link.proxy.open)
        return f"{len(hit)} connections of {victim.name} were closed; it has {others} others now"

    return Fault(
        label=f"end-sessions-{'listening' if which == 'listening' else 'of-instance'}",
        what=f"end of sessions of {victim.name} ({which})",
        victims=(victim.name,),
        needs=frozenset({Capability.DATABASE_CONTROL, Capability.SPAWN}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=lambda: _expect_gone(database, pids),
        others_see=others_see,
        heal=nothing,
    )


async def _pids(database: HarmedDatabase, chosen: list[int] | None) -> list[int]:
    async with database.elsewhere() as connection:
        found = await connection.execute(_PIDS, [database.name, chosen, chosen])
        row = await found.fetchone()
    pids = row[0] if row else None
    if not isinstance(pids, list):
        raise FaultNotShown("the server has no such session: there is nothing to end")
    return pids


async def _end(database: HarmedDatabase, chosen: list[int] | None) -> int:
    async with database.elsewhere() as connection:
        found = await connection.execute(_END.encode(), [database.name, chosen, chosen])
        row = await found.fetchone()
    return int(str(row[0])) if row else 0


async def _expect_gone(database: HarmedDatabase, pids: list[int]) -> str:
    async with database.elsewhere() as connection:
        found = await connection.execute(_LEFT, [database.name, pids])
        row = await found.fetchone()
    if row and row[0]:
        raise FaultNotShown(f"{row[0]} of {len(pids)} sessions still run after they were ended")
    return f"none of {len(pids)} sessions runs"


async def _until(condition: Callable[[], bool], what: str) -> None:
    await wait_until(condition, SHOWS_WITHIN_S, what, error=FaultNotShown)
