import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from harness.errors import InstanceFailed
from harness.machine.directories import memory_base
from harness.machine.journal import Journal, read_entries
from harness.machine.ports import free_port, is_free
from harness.machine.processes import Process, processes_of_run, send
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database, drop_database
from harness.postgres.server import SUPERUSER, connect
from harness.postgres.template import OBSERVER, OWNER

pytestmark = pytest.mark.integration


@pytest.fixture
async def cluster(journal: Journal) -> AsyncIterator[Cluster]:
    started = await Cluster.start(journal)
    yield started
    await started.stop()


async def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    async with connect(url) as connection:
        found = await connection.execute(statement.encode())
        return await found.fetchall() if found.description else []


def segments(owner: int) -> set[str]:
    """The System V segments of a user, as ids."""
    rows = [row.split() for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {row[1] for row in rows if int(row[7]) == owner and row[6] == "0"}


def places(journal: Journal) -> list[Path]:
    """Where clusters of this run may be."""
    return [*Path("/dev/shm").glob(f"*{journal.run_id}*"), journal.run_dir]


def left_of(journal: Journal) -> list[str]:
    """What is there of a run besides its journal and its logs."""
    left = [path.name for place in places(journal) for path in place.iterdir()]
    return [name for name in left if name not in {"journal.jsonl", "logs"}]


def owner_of(process: Process) -> int:
    return Path(f"/proc/{process.pid}").stat().st_uid


def environment_of(process: Process) -> bytes:
    return Path(f"/proc/{process.pid}/environ").read_bytes()


async def test_it_is_postgres_18_on_loopback_alone(cluster: Cluster) -> None:
    assert cluster.version.startswith("18.")
    assert await ask(cluster.url("postgres"), "SHOW listen_addresses") == [("127.0.0.1",)]
    assert await ask(cluster.url("postgres"), "SHOW unix_socket_directories") == [("",)]
    assert await ask(cluster.url("postgres"), "SHOW timezone") == [("UTC",)]


async def test_it_is_in_memory_where_there_is_room(
    cluster: Cluster, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = memory_base() or journal.run_dir
    assert cluster.data_dir.is_relative_to(expected)
    monkeypatch.setattr("harness.machine.directories._ROOM_IN_MEMORY", 2**60)
    assert memory_base() is None
    other = await Cluster.start(journal)
    try:
        assert other.data_dir == journal.run_dir / "postgres-2" / "data"
        assert await ask(other.url("postgres"), "SELECT 1") == [(1,)]
        logs = journal.run_dir / "logs" / "postgres"
        assert other.log_path.parent == cluster.log_path.parent == logs
        assert other.log_path != cluster.log_path
    finally:
        await other.stop()


async def test_nobody_gets_in_without_a_password(cluster: Cluster) -> None:
    for url in (
        f"postgresql://shakedown@127.0.0.1:{cluster.port}/postgres",
        f"postgresql://shakedown:wrong@127.0.0.1:{cluster.port}/postgres",
        f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres",
    ):
        with pytest.raises(psycopg.OperationalError):
            await ask(url, "SELECT 1")


def passwords(cluster: Cluster) -> set[str | None]:
    roles = (SUPERUSER, OWNER, OBSERVER)
    return {urlsplit(cluster.url("postgres", role)).password for role in roles}


async def test_passwords_differ_between_clusters(cluster: Cluster, journal: Journal) -> None:
    other = await Cluster.start(journal)
    try:
        assert len(passwords(cluster) | passwords(other)) == 6
        assert await ask(other.url("postgres"), "SELECT 1") == [(1,)]
        assert await ask(cluster.url("postgres"), "SELECT 1") == [(1,)]
    finally:
        await other.stop()


async def test_the_owner_is_bound_by_row_security(cluster: Cluster) -> None:
    await cluster.create_database("app")
    url = cluster.url("app", OWNER)
    await ask(url, "CREATE TABLE t (a int)")
    await ask(url, "INSERT INTO t VALUES (1)")
    await ask(url, "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert await ask(url, "SELECT * FROM t") == []
    await ask(url, "CREATE ROLE authenticated")
    await ask(url, "GRANT authenticated TO CURRENT_USER WITH SET TRUE, INHERIT FALSE")
    assert await ask(cluster.url("app", OBSERVER), "SELECT * FROM t") == [(1,)]


async def test_the_observer_changes_nothing(cluster: Cluster) -> None:
    await cluster.create_database("app")
    await ask(cluster.url("app", OWNER), "CREATE TABLE t (a int)")
    for statement in (
        "INSERT INTO t VALUES (1)",
        "SET default_transaction_read_only = off; INSERT INTO t VALUES (1)",
        "SET default_transaction_read_only = off; CREATE TABLE public.u (a int)",
    ):
        with pytest.raises(psycopg.Error):
            await ask(cluster.url("app", OBSERVER), statement)


async def test_a_clone_takes_settings_and_privileges_along(cluster: Cluster) -> None:
    await cluster.rename_blank("original")
    owner = cluster.url("original", OWNER)
    await ask(owner, "CREATE TABLE t AS SELECT 5 AS a")
    await ask(owner, "ALTER DATABASE original SET search_path = 'a b', public")
    await ask(owner, "ALTER DATABASE original SET statement_timeout = '7s'")
    await ask(owner, "REVOKE CONNECT ON DATABASE original FROM PUBLIC")
    control = cluster.url("postgres")
    await asyncio.gather(*(create_database(control, f"clone_{n}", "original") for n in range(4)))
    for n in range(4):
        clone = cluster.url(f"clone_{n}", OWNER)
        assert await ask(clone, "SELECT a FROM public.t") == [(5,)]
        assert await ask(clone, "SHOW search_path") == [('"a b", public',)]
        assert await ask(clone, "SHOW statement_timeout") == [("7s",)]
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            await ask(cluster.url(f"clone_{n}", OBSERVER), "SELECT 1")


async def test_dropping_a_database_that_is_in_use(cluster: Cluster) -> None:
    await cluster.create_database("app")
    async with connect(cluster.url("app", OWNER)) as connection:
        await drop_database(cluster.url("postgres"), "app")
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")
    await drop_database(cluster.url("postgres"), "app")


async def test_a_crash_loses_no_commit_and_the_port_stays(cluster: Cluster) -> None:
    await ask(cluster.url("postgres"), "CREATE TABLE t AS SELECT 7 AS a")
    port = cluster.port
    cluster.kill()
    assert not cluster.is_alive()
    with pytest.raises(psycopg.OperationalError):
        await ask(cluster.url("postgres"), "SELECT 1")
    await cluster.restart()
    assert cluster.port == port
    assert await ask(cluster.url("postgres"), "SELECT a FROM t") == [(7,)]
    await cluster.restart()
    assert await ask(cluster.url("postgres"), "SELECT a FROM t") == [(7,)]


async def test_it_ends_in_good_order_or_is_killed_after_the_grace(
    cluster: Cluster, journal: Journal
) -> None:
    await ask(cluster.url("postgres"), "CREATE TABLE t AS SELECT 7 AS a")
    server = cluster._server
    await server.stop(clean=True, grace_s=30)
    assert not cluster.is_alive()
    said = cluster.log_path.read_text(encoding="utf-8")
    assert said.splitlines()[-1].endswith("database system is shut down")
    await cluster.restart()
    server = cluster._server
    children = processes_of_run(journal.run_id, cluster.data_dir)
    send(children, signal.SIGSTOP)  # gets no signal but one
    await server.stop(clean=True, grace_s=0.1)
    assert not cluster.is_alive()
    await cluster.restart()
    assert await ask(cluster.url("postgres"), "SELECT a FROM t") == [(7,)]


async def test_nothing_is_left_after_stop_or_kill(journal: Journal) -> None:
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    before = segments(owner)
    for end in ("stop", "kill"):
        cluster = await Cluster.start(journal)
        children = processes_of_run(journal.run_id, cluster.data_dir)
        assert len(children) > 3
        if end == "kill":
            cluster.kill()
        await cluster.stop()
        await cluster.stop()
        assert is_free(cluster.port)
        assert not any(child.is_alive() for child in children)
    assert segments(owner) <= before
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run"]


async def test_the_server_is_never_root(cluster: Cluster, journal: Journal) -> None:
    owners = set()
    for process in processes_of_run(journal.run_id, cluster.data_dir):
        with suppress(FileNotFoundError):  # a session's process may end meanwhile
            owners.add(owner_of(process))
    assert owners, "the server itself runs"
    assert 0 not in owners
    assert cluster.data_dir.stat().st_mode & 0o777 == 0o700


async def test_shared_memory_is_in_the_data_directory(cluster: Cluster) -> None:
    # What a killed server leaves in /dev/shm nobody removes; what it leaves here goes with it.
    assert await ask(cluster.url("postgres"), "SHOW dynamic_shared_memory_type") == [("mmap",)]


async def test_settings_win_over_ours(journal: Journal) -> None:
    settings = {"fsync": "on", "full_page_writes": "on", "max_connections": "20"}
    cluster = await Cluster.start(journal, settings)
    try:
        assert await ask(cluster.url("postgres"), "SHOW fsync") == [("on",)]
        assert await ask(cluster.url("postgres"), "SHOW max_connections") == [("20",)]
    finally:
        await cluster.stop()


async def test_a_server_that_cannot_start_says_why(journal: Journal) -> None:
    with pytest.raises(InstanceFailed) as caught:
        await Cluster.start(journal, {"max_connections": "many"})
    message = str(caught.value)
    assert message.startswith("PostgreSQL exited with 1; ")
    assert 'invalid value for parameter "max_connections": "many"' in message
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run"]
    assert left_of(journal) == []


async def test_a_port_that_was_lost_is_chosen_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = await Cluster.start(journal)
    ports = iter([cluster.port, cluster.port])
    monkeypatch.setattr(
        "harness.postgres.server.free_port", lambda: next(ports, None) or free_port()
    )
    other = await Cluster.start(journal)
    try:
        assert other.port != cluster.port
        assert next(ports, None) is None
    finally:
        await other.stop()
        await cluster.stop()


async def test_cancelling_the_start_leaves_nothing(journal: Journal) -> None:
    for after in (0.01, 0.05, 0.09, 0.12):
        starting = asyncio.create_task(Cluster.start(journal))
        await asyncio.wait([starting], timeout=after)
        if not starting.cancel():
            await starting.result().stop()  # so fast that there was nothing to cancel
        await asyncio.gather(starting, return_exceptions=True)
        assert processes_of_run(journal.run_id, *places(journal)) == []
        assert left_of(journal) == []


async def test_the_environment_does_not_reach_the_server(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    cluster = await Cluster.start(journal)
    try:
        (first, *_) = processes_of_run(journal.run_id, cluster.data_dir)
        assert b"hush" not in environment_of(first)
    finally:
        await cluster.stop()
