"""Waiting until every step that is under way has ended or waits for a lock, as the server says.

The server is asked from a connection of its own (`pg_blocking_pids`, which reads the lock table
itself): a step that takes long proves nothing.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence

from harness.explore.errors import CannotGoOnError
from harness.explore.running.session import Session

GRACE_S = 0.001
"""How long a step may take before the server is asked."""

LONGEST_PAUSE_S = 0.02
DEADLINE_S = 12.0
"""For one step; longer than `deadlock_timeout`, which may be a second."""

Waits = Mapping[int, tuple[int, ...]]
"""Who waits for whom, by pid."""


async def settle(observer: Session, sessions: Sequence[Session], own: Collection[int]) -> Waits:
    """Wait until all these busy sessions have ended or wait for one of `own` that is not busy.

    Gives who waits for whom, by pid. Raises `CannotGoOnError` when they do neither.
    """
    pause, until = GRACE_S, time.monotonic() + DEADLINE_S
    while busy := [session for session in sessions if session.busy]:
        await _until_one_ends(busy, pause)
        still = [session for session in busy if session.busy]
        if len(still) < len(busy):
            pause = GRACE_S
            # The end of one may let others go on: give them time, too.
            if still:
                await _until_one_ends(still, pause)
            still = [session for session in still if session.busy]
        if not still:
            return {}
        waits = await _waits(observer, still)
        # A step may have ended during the query.
        if any(not session.busy for session in still):
            continue
        if is_settled({session.pid for session in still}, waits, own):
            return waits
        if time.monotonic() > until:
            raise CannotGoOnError(await _complaint(observer, still, waits, own))
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return {}


def is_settled(busy: Collection[int], waits: Waits, own: Collection[int]) -> bool:
    """Whether every busy session waits, in the end, for one of `own` that is not busy.

    Sessions that wait for each other in a circle are not settled: the server will break it. Nor
    is one that waits for another session, which will go away.
    """
    return all(_rests_on_idle(pid, busy, waits, own, frozenset()) for pid in busy)


def _rests_on_idle(
    pid: int, busy: Collection[int], waits: Waits, own: Collection[int], way: frozenset[int]
) -> bool:
    blockers = waits.get(pid, ())
    if not blockers or pid in way:
        return False
    return all(
        _rests_on_idle(blocker, busy, waits, own, way | {pid}) if blocker in busy
        else blocker in own
        for blocker in blockers
    )  # fmt: skip


async def _waits(observer: Session, busy: Sequence[Session]) -> Waits:
    pids = ", ".join(str(session.pid) for session in busy)
    blockers = "array_to_string(pg_blocking_pids(pid), ' ')"
    answer = await observer.run(
        f"SELECT pid, {blockers} FROM unnest(ARRAY[{pids}]) AS pid"  # noqa: S608 - numbers
    )
    (table,) = answer.tables
    return {
        int(pid or 0): tuple(dict.fromkeys(map(int, waited_for.split())))
        for pid, waited_for in table.rows
        if waited_for
    }


async def _until_one_ends(sessions: Sequence[Session], seconds: float) -> None:
    """Wait for the first of these to end, at most so long."""
    running = [session.running for session in sessions if session.running is not None]
    await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def _complaint(
    observer: Session, busy: Sequence[Session], waits: Waits, own: Collection[int]
) -> str:
    names = ", ".join(session.name for session in busy)
    strange = sorted({pid for pids in waits.values() for pid in pids} - set(own))
    if not strange:
        return f"{names}: neither done nor waiting for a lock after {DEADLINE_S:g} s"
    listed = ", ".join(map(str, strange))
    who = "format('%s (%s, %s)', pid, backend_type, application_name)"
    answer = await observer.run(
        f"SELECT string_agg({who}, ', ') FROM pg_stat_activity WHERE pid IN ({listed})"  # noqa: S608
    )
    strangers = answer.tables[0].rows[0][0] if answer.tables else None
    return (
        f"{names}: has waited {DEADLINE_S:g} s for a session of another program: "
        f"{strangers or listed}; no other program may use this database meanwhile"
    )
