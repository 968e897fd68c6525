"""For each defect in who works on a package: an order of events that shows it.

Tables, rows and locks that we hold keep a worker where the defect matters; nothing is left to luck.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .house import House, Member

DEADLINE_S = 20
WATCH_S = 0.7  # several polls of every worker
RUNNING = "state IN ('collecting', 'packing')"

Connection = psycopg.AsyncConnection[Any]


@asynccontextmanager
async def holding(house: House, statement: str, *values: str) -> AsyncIterator[None]:
    """A transaction of ours that holds what `statement` locks."""
    async with superuser(house) as connection, connection.transaction():
        await connection.execute(statement, values)
        yield


@asynccontextmanager
async def superuser(house: House) -> AsyncIterator[Connection]:
    control = house.system.control_url
    assert control is not None
    async with await psycopg.AsyncConnection.connect(control, autocommit=True) as connection:
        yield connection


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await holds():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"timed out after {DEADLINE_S} s waiting until {what}")


async def counted(house: House, query: str, *values: str) -> int:
    async with superuser(house) as connection:
        row = await (await connection.execute(f"SELECT count(*) FROM {query}", values)).fetchone()
        assert row is not None
        return int(row[0])


async def waiting_for_locks(house: House, wanted: int, *, kind: str) -> None:
    query = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    query += " AND query LIKE %s"

    async def holds() -> bool:
        return await counted(house, query, kind) >= wanted

    await until(f"{wanted} sessions wait for a lock", holds)


async def claim_unguarded(house: House) -> bool:
    """Two workers have seen the same candidate before either may take it."""
    member = house.member()
    case = await member.open_case()
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    async with holding(house, lock, f"claims {member.tenant}"):
        package = await member.request(case)
        await waiting_for_locks(house, 2, kind="%pg_advisory_xact_lock%")
    shown = await member.until(package["id"], "done")
    return int(shown["run"]["tries"]) != 1


async def place_among_all(house: House) -> bool:
    """Two tenants wait while nobody may claim for either: each is the first of its own queue."""
    members = [house.member(), house.member()]
    cases = [await each.open_case() for each in members]
    lock = (
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), "
        "pg_advisory_xact_lock(hashtextextended(%s, 0))"
    )
    async with holding(house, lock, *(f"claims {each.tenant}" for each in members)):
        shown = [await member.request(case) for member, case in zip(members, cases, strict=True)]
    return [each["run"]["place"] for each in shown] != [1, 1]


async def cap_by_candidates(house: House) -> bool:
    """Two workers look for a tenant's third package at once; documents are held, so none ends."""
    member = house.member()
    cases = [await member.open_case() for _ in range(4)]
    running = f"packages WHERE tenant = %s AND {RUNNING}"

    async def are_running(wanted: int) -> bool:
        return await counted(house, running, member.tenant) >= wanted

    async with holding(house, "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"):
        for case in cases[:2]:
            await member.request(case)
        await until("two packages run", lambda: are_running(2))
        await _stand_still(house)
        third, _ = [await member.request(case) for case in cases[2:]]
        row = "SELECT 1 FROM packages WHERE id = %s FOR UPDATE"
        async with holding(house, row, third["id"]):
            await _go_on(house)
            await waiting_for_locks(house, 1, kind="%UPDATE packages SET state = 'collecting'%")
            await asyncio.sleep(WATCH_S)  # until the other worker has come as far as it can
        await until("three packages run", lambda: are_running(3))
        await asyncio.sleep(WATCH_S)  # a fourth has this long to be claimed
        return await are_running(4)


async def sweep_once(house: House) -> bool:
    """The lease of a package ends when the workers have long started: it must be taken back."""
    member = house.member()
    (dropped,) = await _dropped(house, member, 1)
    await _go_on(house)
    return not await _is_done_soon(member, dropped)


async def sweep_waits(house: House) -> bool:
    """Of two packages whose leases have ended, one is locked: the other must be taken back."""
    member = house.member()
    locked, other = await _dropped(house, member, 2)
    async with holding(house, "SELECT 1 FROM packages WHERE id = %s FOR UPDATE", locked):
        await _go_on(house)
        return not await _is_done_soon(member, other)


async def _dropped(house: House, member: Member, count: int) -> list[str]:
    """Packages that were claimed and whose leases have ended; all workers stand still."""
    cases = [await member.open_case() for _ in range(count)]
    await _stand_still(house)
    packages = [str((await member.request(case))["id"]) for case in cases]
    async with superuser(house) as connection:
        await connection.execute(
            "UPDATE packages SET state = 'collecting', tries = 1, lease = gen_random_uuid(), "
            "lease_until = clock_timestamp() - interval '1 s' WHERE id = ANY (%s::uuid[])",
            [packages],
        )
    return packages


async def _is_done_soon(member: Member, package: str) -> bool:
    for _ in range(int(4 * WATCH_S / 0.1)):
        if (await member.package(package))["state"] == "done":
            return True
        await asyncio.sleep(0.1)
    return False


async def _stand_still(house: House) -> None:
    for worker in house.system.workers:
        await house.system.pause(worker)


async def _go_on(house: House) -> None:
    for worker in house.system.workers:
        await house.system.resume(worker)


async def stale_lease_finishes(house: House) -> bool:
    """A worker stands still in the middle of a package, and goes on when another has done it."""
    member = house.member()
    case = await member.open_case()
    async with holding(house, "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"):
        package = await member.request(case)
        first = (await member.until(package["id"], "collecting"))["run"]["worker"]
        (zombie,) = [each for each in house.system.workers if each.name == first]
        await house.system.pause(zombie)
    done = await member.until(package["id"], "done")
    assert done["run"]["worker"] != first
    await house.system.resume(zombie)
    await house.system.stop(zombie)  # it drains: what it was at has come to its end
    return len(await _actions(member, package["id"], "package.finished")) != 1


async def _actions(member: Member, package: str, action: str) -> list[str]:
    entries = await member.http.get("/v2/audit", params={"subject": package})
    return [each["action"] for each in entries.json()["results"] if each["action"] == action]


async def start_takes_back_its_name(house: House) -> bool:
    """A worker is killed in the middle of a package, and started again before the lease ends."""
    member = house.member()
    case = await member.open_case()
    row = "FROM packages WHERE id = %s"
    async with holding(house, "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"):
        package = await member.request(case)
        name = (await member.until(package["id"], "collecting"))["run"]["worker"]
        (worker,) = [each for each in house.system.workers if each.name == name]
        await house.system.pause(worker)
        async with superuser(house) as connection:
            found = await connection.execute(f"SELECT lease_until {row}", [package["id"]])
            (lease_until,) = await found.fetchone() or (None,)
            await house.system.restart(worker)
            while True:
                found = await connection.execute(
                    f"SELECT state = 'waiting' OR tries > 1, clock_timestamp() < %s {row}",
                    [lease_until, package["id"]],
                )
                is_taken, is_early = await found.fetchone() or (None, None)
                if is_taken or not is_early:
                    return bool(is_taken and is_early)


async def claimed_again_skipped(house: House) -> bool:
    """A package is set back by hand while nobody but the worker that is at it may claim."""
    member = house.member()
    case = await member.open_case()
    async with holding(house, "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"):
        package = await member.request(case)
        name = (await member.until(package["id"], "collecting"))["run"]["worker"]
        (other,) = [each for each in house.system.workers if each.name != name]
        await house.system.pause(other)
        async with superuser(house) as connection:
            await connection.execute(
                "UPDATE packages SET state = 'waiting', lease = NULL, lease_until = NULL "
                "WHERE id = %s",
                [package["id"]],
            )
    shown: dict[str, Any] = {}

    async def has_ended() -> bool:
        nonlocal shown
        shown = await member.package(package["id"])
        return shown["state"] in {"done", "broken"} or shown["run"]["tries"] > 2

    await until("the package has ended, or is tried once more", has_ended)
    await house.system.resume(other)
    return bool(shown["run"]["tries"] > 2)


async def again_grants_nothing(house: House) -> bool:
    """A damaged document breaks a package; mended, and asked for again, it must be made."""
    member = house.member()
    case = await member.open_case()
    document = (await member.file(case)).json()["result"]
    stored = _stored(house, document["id"])
    content = stored.read_bytes()
    stored.write_bytes(b"damaged")
    package = await member.until((await member.request(case))["id"], "broken")
    assert package["failure"]["code"] == "DOCUMENT_DAMAGED"
    stored.write_bytes(content)
    again = await member.http.post(f"/v2/packages/{package['id']}/again")
    assert again.json()["result"]["state"] == "waiting", again.text
    # The queue's order is by age: once a younger one is done, this one was passed over.
    younger = await member.request(await member.open_case())
    await member.until(younger["id"], "done")
    await asyncio.sleep(WATCH_S)
    return bool((await member.package(package["id"]))["state"] == "waiting")


def _stored(house: House, document: str) -> Path:
    return next(iter(house.system.run_dir.rglob(document)))
