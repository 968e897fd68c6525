"""What must not be left behind by a drill: open transactions, deadlocks, instances that ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from harness.database import Database, Row
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.plugin.cells import Cells
from harness.plugin.fixtures import OwnSystem
from harness.system import Instance, System
from harness.waiting import becomes_true

LONG_S = 3.0
"""A transaction that stands still for so long when nothing is to be done is left behind."""

HEALTH = "health afterwards"
"""The cell of what is left behind."""

_POLL_S = 0.05


async def judge_health(own: OwnSystem, cells: Cells, where: Mapping[str, str]) -> None:
    """Look in one cell whether the system is as it was before; what cannot be read is left out."""
    async with cells.of(**where, what=HEALTH):
        expect_instances(own.system)
        if own.control is None or any(map(own.system.is_paused, _running(own.system))):
            return  # a frozen instance stands still in the middle of whatever it did
        try:
            await expect_no_open_transactions(own.control, own.system)
            await expect_no_deadlocks(own.control, own.system)
        except (Inconclusive, psycopg.OperationalError):
            return  # the database is gone, which is what the drill itself judges


def expect_instances(system: System) -> None:
    """Expect each instance to run that nobody has ended. Raises `CheckFailed`."""
    gone = system.ended_by_themselves()
    expect(
        not gone,
        expected="every instance to run on, or to be ended by the drill",
        got="; ".join(gone.values()),
        rule="health.instances-live",
    )


async def expect_no_open_transactions(database: Database, system: System) -> None:
    """Expect no session of the backend to stay in a transaction. Raises `CheckFailed`.

    Those that are open now are watched until they have ended, or have stood still for `LONG_S`.
    """
    first = await _open(database, system)
    watched = {(row["pid"], row["xact_start"]) for row in first}
    left: Sequence[Row] = ()

    async def is_known() -> bool:
        nonlocal left
        now = [
            row
            for row in await _open(database, system)
            if (row["pid"], row["xact_start"]) in watched
        ]
        left = [row for row in now if _is_left(row)]
        return bool(left) or not now

    if not watched or not await becomes_true(is_known, 2 * LONG_S, poll_s=_POLL_S) or not left:
        return
    row = left[0]
    raise CheckFailed(
        expected=f"no session in a transaction for {LONG_S:g} s when nothing is to be done",
        got=f"{len(left)} of them: session {row['pid']} of {row['user']} is {row['state']} for "
        f"{row['state_s']:.1f} s, in its transaction for {row['transaction_s']:.1f} s"
        + (", and holds a snapshot" if row["has_snapshot"] else ""),
        detail=f"its last statement: {' '.join(row['query'].split())}",
        rule="health.no-open-transaction",
    )


def _is_left(row: Row) -> bool:
    is_idle = str(row["state"]).startswith("idle in transaction")
    waits_s, snapshot_s = row["state_s"], row["transaction_s"] if row["has_snapshot"] else 0.0
    return bool((is_idle and waits_s > LONG_S) or snapshot_s > LONG_S)


async def expect_no_deadlocks(database: Database, system: System) -> None:
    """Expect that the server had to end no deadlock. Raises `CheckFailed`."""
    deadlocks = (await counted(database, system)).deadlocks
    expect(
        not deadlocks,
        expected="no deadlock: all code paths take their locks in one order",
        got=f"{deadlocks} deadlocks, each ended by the server with an error",
        rule="health.no-deadlock",
    )


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What the server counts of a database."""

    connections: int
    """Of clients other than ours."""
    deadlocks: int


async def counted(database: Database, system: System) -> Counted:
    """Ask the server now."""
    row = await database.fetch_one(_sql("connections"), _ours(system))
    return Counted(connections=int(row["connections"]), deadlocks=int(row["deadlocks"] or 0))


async def _open(database: Database, system: System) -> list[Row]:
    return await database.fetch(_sql("open_sessions"), _ours(system))


def _ours(system: System) -> Mapping[str, list[str]]:
    """Give the roles by which we ask: what they do is not the backend's."""
    urls = filter(None, (system.control_url, system.readonly_url))
    return {"ours": [str(conninfo_to_dict(url).get("user") or "") for url in urls]}


def _running(system: System) -> list[Instance]:
    return [each for each in (*system.api, *system.workers) if system.is_alive(each)]


@cache
def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
