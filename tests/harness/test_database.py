import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from harness.database import Database
from harness.errors import Inconclusive
from harness.postgres.cluster import Cluster

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    opened = Database(cluster.url("postgres"))
    yield opened
    await opened.close()


async def test_rows_come_as_dictionaries(database: Database) -> None:
    rows = await database.fetch("SELECT n, %s AS word FROM generate_series(1, 2) AS n", ["a"])
    assert rows == [{"n": 1, "word": "a"}, {"n": 2, "word": "a"}]


async def test_many_may_ask_at_once_over_one_connection(database: Database) -> None:
    asked = await asyncio.gather(
        *(database.fetch_one("SELECT pg_backend_pid() AS pid, %s AS n", [n]) for n in range(10))
    )
    assert [row["n"] for row in asked] == list(range(10))
    assert len({row["pid"] for row in asked}) == 1


async def test_nothing_is_changed_unless_it_is_writable(
    cluster: Cluster, database: Database
) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await database.fetch("CREATE TABLE mine ()")
    writable = Database(cluster.url("postgres"), writable=True)
    try:
        assert await writable.fetch("CREATE TABLE mine (); DROP TABLE mine") == []
    finally:
        await writable.close()


@pytest.mark.parametrize("statement", ["SELECT 1 FROM nowhere", "SELECT nothing FROM pg_class"])
async def test_what_is_not_there_is_inconclusive(database: Database, statement: str) -> None:
    with pytest.raises(Inconclusive, match=r"this check reads .* does not exist"):
        await database.fetch(statement)


async def test_one_row_is_one_row(database: Database) -> None:
    with pytest.raises(Inconclusive, match="0 rows"):
        await database.fetch_one("SELECT 1 WHERE false")


async def test_a_server_that_is_gone_is_inconclusive_and_the_password_is_not_told() -> None:
    database = Database("postgresql://someone:s3cret@127.0.0.1:1/postgres")
    with pytest.raises(Inconclusive, match="no connection") as gone:
        await database.fetch("SELECT 1")
    assert "s3cret" not in str(gone.value)


async def test_a_connection_that_was_cut_is_opened_again(cluster: Cluster) -> None:
    database, other = Database(cluster.url("postgres")), Database(cluster.url("postgres"))
    try:
        pid = (await database.fetch_one("SELECT pg_backend_pid() AS pid"))["pid"]
        await other.fetch("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises((psycopg.OperationalError, Inconclusive)):
            await database.fetch("SELECT 1")
        assert (await database.fetch_one("SELECT 1 AS one"))["one"] == 1
    finally:
        await database.close()
        await other.close()
