"""The watcher between a backend and PostgreSQL: it sees what is left, and is not seen itself."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from contracts.tenancy.sql.request_sql import CLAIMS
from contracts.tenancy.sql.session_conversation import SessionLog
from contracts.tenancy.sql.session_proxy import session_proxy
from harness.postgres.cluster import Cluster

pytestmark = pytest.mark.integration

SET = "SELECT set_config('request.jwt.claims', %s, %s)"


@pytest.fixture
async def through(cluster: Cluster) -> AsyncIterator[tuple[str, SessionLog]]:
    async with session_proxy(cluster.url("postgres")) as proxied:
        yield proxied


async def test_what_a_set_local_leaves_is_nothing(through: tuple[str, SessionLog]) -> None:
    url, seen = through
    async with await AsyncConnection.connect(url) as connection:
        for claims in ("a", "b"):
            async with connection.transaction():
                await connection.execute(SET, [claims, True])
                now = await connection.execute("SELECT current_setting('request.jwt.claims')")
                assert await now.fetchone() == (claims,)
    assert seen.connections == 1
    assert seen.looks >= 2
    assert seen.leftovers == []
    assert seen.trouble == []


async def test_what_a_set_for_the_session_leaves_is_seen(through: tuple[str, SessionLog]) -> None:
    url, seen = through
    async with await AsyncConnection.connect(url) as connection:
        async with connection.transaction():
            await connection.execute(SET, ["org-a", False])
        async with connection.transaction():
            await connection.execute("SET LOCAL application_name = 'x'")
    settings = {(left.setting, left.value, left.connection) for left in seen.leftovers}
    assert settings == {(CLAIMS, "org-a", 1)}


async def test_a_setting_of_the_backends_own_is_asked_for_once_it_was_seen(
    through: tuple[str, SessionLog],
) -> None:
    url, seen = through
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("SET app.tenant = 'org-b'")
        await connection.execute("SELECT set_config('app.user', 'u', false)")
    assert {left.setting for left in seen.leftovers} == {"app.tenant", "app.user"}
    assert "set_config('app.user'" in seen.leftovers[-1].after


async def test_a_rolled_back_session_setting_is_gone(through: tuple[str, SessionLog]) -> None:
    url, seen = through
    async with (
        await AsyncConnection.connect(url) as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute(SET, ["org-a", False])
    assert seen.leftovers == []


async def test_a_transaction_that_nobody_ended_is_known(through: tuple[str, SessionLog]) -> None:
    url, seen = through
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute("SELECT 'the last one'")
        (last,) = (await seen.transactions_left(within_s=0.05)).values()
        assert last == "SELECT 'the last one'"
        await connection.rollback()
        assert await seen.transactions_left(within_s=5) == {}


@pytest.mark.parametrize("prepare", [True, False])
async def test_statements_errors_copies_and_notices_pass_unharmed(
    through: tuple[str, SessionLog], prepare: bool
) -> None:
    url, seen = through
    notices: list[str] = []
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        connection.add_notice_handler(lambda diag: notices.append(diag.message_primary or ""))
        for number in range(8):
            cursor = await connection.execute("SELECT %s::int + 1", [number], prepare=prepare)
            assert await cursor.fetchone() == (number + 1,)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await connection.execute("SELECT 1 / %s::int", [0], prepare=prepare)
        await connection.execute("DO $$ BEGIN RAISE NOTICE 'heard'; END $$")
        await connection.execute("CREATE TEMPORARY TABLE numbers (n int)")
        async with connection.cursor() as cursor:
            async with cursor.copy("COPY numbers FROM STDIN") as copy:
                for number in range(1000):
                    await copy.write_row((number,))
            await cursor.execute("SELECT count(*), sum(n) FROM numbers")
            assert await cursor.fetchone() == (1000, 499500)
        await connection.execute("DISCARD ALL")
        await connection.execute("SELECT 1; SELECT 2")
    assert notices == ["heard"]
    assert seen.trouble == []
    assert seen.looks > 16


async def test_a_pipeline_is_looked_at_only_where_it_is_idle(
    through: tuple[str, SessionLog],
) -> None:
    url, seen = through
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        async with connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int", [n]) for n in range(50)]
        assert [await cursor.fetchone() for cursor in cursors] == [(n,) for n in range(50)]
        await connection.execute("SELECT 1")
    assert seen.trouble == []


async def test_a_whole_pool_passes_and_a_statement_can_be_cancelled(
    through: tuple[str, SessionLog],
) -> None:
    url, seen = through
    async with AsyncConnectionPool(url, min_size=4, max_size=4, open=False) as pool:

        async def ask(number: int) -> int:
            async with pool.connection() as connection:
                await connection.execute(SET, [f"org-{number}", True])
                cursor = await connection.execute("SELECT current_setting('request.jwt.claims')")
                row = await cursor.fetchone()
                assert row is not None
                return int(str(row[0]).removeprefix("org-"))

        assert await asyncio.gather(*map(ask, range(60))) == list(range(60))
        async with pool.connection() as connection:
            slow = asyncio.create_task(connection.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.1)
            await connection.cancel_safe()
            with pytest.raises(psycopg.errors.QueryCanceled):
                await slow
            await connection.rollback()
    assert seen.connections >= 4
    assert seen.looks >= 60
    assert seen.leftovers == []


async def test_what_is_not_the_protocol_is_told_and_passed_on(
    through: tuple[str, SessionLog],
) -> None:
    url, seen = through
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(10):
        await reader.read()  # the server closes it, or says that it understands nothing
    writer.close()
    assert "not PostgreSQL's protocol" in seen.trouble[0]


async def test_a_server_that_refuses_is_heard_by_the_backend(cluster: Cluster) -> None:
    wrong = cluster.url("postgres").replace("://shakedown:", "://shakedown:not-")
    async with session_proxy(wrong) as (url, seen):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await AsyncConnection.connect(url)
    assert seen.leftovers == []
