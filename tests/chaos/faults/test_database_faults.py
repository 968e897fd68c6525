"""A real PostgreSQL of its own is harmed; each fault is proven, or told where it did not happen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from chaos.faults.break_claim_function import How, break_claim_function
from chaos.faults.crash_database import crash_database
from chaos.faults.end_sessions import end_all_sessions
from chaos.faults.exhaust_slots import exhaust_slots
from chaos.faults.fault import Fault, injected
from chaos.faults.fill_database_disk import fill_database_disk
from chaos.faults.harm_storage import MOUNT
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_row, hold_snapshot, hold_table
from chaos.faults.make_read_only import make_read_only
from chaos.faults.proof import FaultNotShown, TargetCannot
from chaos.faults.restart_database import restart_database
from harness.database import Database
from harness.history import HistoryWriter, read_history
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.template import OWNER
from harness.system.function_outage import find_function
from tests.own_cluster import own_cluster

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

TABLE = """
CREATE TABLE jobs (id int PRIMARY KEY);
INSERT INTO jobs SELECT generate_series(1, 3);
CREATE FUNCTION claim_job(worker text, "limit" int DEFAULT 1) RETURNS SETOF int
    LANGUAGE sql AS 'SELECT id FROM jobs LIMIT "limit"';
"""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[Cluster]:
    async with own_cluster() as running:
        await running.create_database("harmed")
        yield running


@pytest.fixture(scope="module")
async def database(own: Cluster) -> HarmedDatabase:
    async with await AsyncConnection.connect(own.url("harmed", OWNER)) as connection:
        await connection.execute(TABLE)
    return HarmedDatabase(
        name="harmed",
        url=own.url("harmed", OWNER),
        control_url=own.url("harmed"),
        server=own,
    )


@pytest.fixture
def history(tmp_path: Path) -> HistoryWriter:
    return HistoryWriter(tmp_path / "history.jsonl")


async def run(fault: Fault, journal: Journal, history: HistoryWriter) -> dict[str | None, str]:
    """Inject and heal a fault; give what was seen at each step."""
    async with injected(fault, journal=journal, history=history):
        pass
    entries = [each for each in read_history(history.path) if each.f == fault.label]
    return {each.step: each.seen or "" for each in entries}


FAULTS: dict[str, Callable[[HarmedDatabase], Fault]] = {
    "immediate": crash_database,
    "kill": lambda database: crash_database(database, "kill"),
    "clean": lambda database: crash_database(database, "clean"),
    "restart": restart_database,
    "read-only": make_read_only,
    "slots": exhaust_slots,
    "row": lambda database: hold_row(database, "jobs", "id", 2),
    "table": lambda database: hold_table(database, "jobs"),
    "snapshot": hold_snapshot,
}


@pytest.mark.parametrize("name", FAULTS)
async def test_it_happens_is_seen_in_three_steps_and_is_healed(
    name: str, database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    seen = await run(FAULTS[name](database), journal, history)
    assert seen.keys() == {None, "requested", "victim", "effect"}
    assert await database.attempt("INSERT INTO jobs VALUES (99)") == "done"


@pytest.mark.parametrize("name", FAULTS)
async def test_one_that_is_not_injected_is_told(
    name: str,
    database: HarmedDatabase,
    journal: Journal,
    history: HistoryWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chaos.faults.harmed_database.SHOWS_WITHIN_S", 0.1)

    async def nothing() -> None:
        pass

    fault = replace(FAULTS[name](database), inject=nothing, healed=None)
    with pytest.raises(FaultNotShown):
        await run(fault, journal, history)
    steps = [(each.type, each.step) for each in read_history(history.path)]
    assert ("ok", "effect") not in steps


async def test_what_was_acknowledged_outlives_a_kill(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    async with await AsyncConnection.connect(database.url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE acknowledged AS SELECT 1 AS n")
        fault = crash_database(database, "kill")
        async with injected(fault, journal=journal, history=history):
            with pytest.raises(psycopg.OperationalError):
                await connection.execute("SELECT 1")
    assert await database.value("SELECT n FROM acknowledged") == 1


async def test_what_the_server_says_of_durability_is_in_the_history(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    owner = OWNER.encode()
    async with await AsyncConnection.connect(database.control_url, autocommit=True) as control:
        await control.execute(b"ALTER ROLE " + owner + b" SET synchronous_commit = off")
        seen = await run(crash_database(database), journal, history)
        assert "fsync = off, full_page_writes = off, synchronous_commit = off" in seen["victim"]
    async with await AsyncConnection.connect(database.control_url, autocommit=True) as control:
        await control.execute(b"ALTER ROLE " + owner + b" RESET synchronous_commit")


async def test_all_sessions_end_and_new_ones_are_served(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    connection = await AsyncConnection.connect(database.url, autocommit=True)
    seen = await run(end_all_sessions(database), journal, history)
    assert seen["effect"].startswith("the server ended 1 sessions; a new connection: done")
    with pytest.raises(psycopg.OperationalError):
        await connection.execute("SELECT 1")
    await connection.close()
    with pytest.raises(FaultNotShown, match="no such session"):
        await run(end_all_sessions(database), journal, history)


async def test_sessions_that_go_on_are_told(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    async def nothing() -> None:
        pass

    async with await AsyncConnection.connect(database.url, autocommit=True):
        fault = replace(end_all_sessions(database), inject=nothing)
        with pytest.raises(FaultNotShown, match="1 of 1 sessions still run"):
            await run(fault, journal, history)


async def test_a_row_that_is_not_there_cannot_be_held(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    with pytest.raises(FaultNotShown, match="there is no such row"):
        await run(hold_row(database, "jobs", "id", 77), journal, history)


@pytest.mark.parametrize("how", ["missing", "raising"])
async def test_the_claim_function_is_out_of_order_and_back(
    how: How, database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    control = Database(database.control_url, writable=True)
    function = await find_function(control, "claim_job")
    fault = break_claim_function(control, function, how)
    seen = await run(fault, journal, history)
    assert seen.keys() == {None, "requested", "victim", "effect"}
    assert await database.value("SELECT count(*) FROM claim_job('w', 2)") == 2

    async def nothing() -> None:
        pass

    with pytest.raises(FaultNotShown):
        await run(replace(fault, inject=nothing, heal=nothing), journal, history)
    await control.close()


async def test_two_hold_together(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    snapshot = hold_snapshot(database)
    async with injected(snapshot, journal=journal, history=history):
        seen = await run(hold_table(database, "jobs"), journal, history)
    assert seen["effect"]


async def test_a_server_that_others_use_is_not_harmed(database: HarmedDatabase) -> None:
    shared = replace(database, server=None)
    for fault in (crash_database, restart_database):
        with pytest.raises(TargetCannot, match="not the drill's own: other checks use it"):
            fault(shared)


async def test_a_canceled_drill_leaves_no_session(
    database: HarmedDatabase, journal: Journal, history: HistoryWriter
) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        fault = hold_table(database, "jobs")
        async with injected(fault, journal=journal, history=history):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.ensure_future(hold())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.attempt("LOCK TABLE jobs NOWAIT") == "done"


@pytest.mark.skipif(bool(MOUNT.missing()), reason=MOUNT.missing())
async def test_a_disk_that_is_full_is_met_by_writes_and_has_room_again(
    journal: Journal, history: HistoryWriter
) -> None:
    async with own_cluster(disk_bytes=128 * 1024 * 1024) as running:
        await running.create_database("harmed")
        small = HarmedDatabase(
            name="harmed",
            url=running.url("harmed", OWNER),
            control_url=running.url("harmed"),
            server=running,
        )
        seen = await run(fill_database_disk(small), journal, history)
        assert "No space left on device" in seen["effect"] or "connection" in seen["effect"]

        async def nothing() -> None:
            pass

        with pytest.raises(FaultNotShown, match="bytes are left on the disk"):
            await run(replace(fill_database_disk(small), inject=nothing), journal, history)
        home = running.data_dir.parent
    assert not home.exists()


async def test_a_server_without_a_disk_of_its_own_is_not_filled(database: HarmedDatabase) -> None:
    with pytest.raises(TargetCannot, match="no disk of its own"):
        fill_database_disk(database)
