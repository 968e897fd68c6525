"""A proxy before a real PostgreSQL: answers are lost after the commit, and listeners are found."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection

from harness.network.postgres_conversation import AnswerCut, PostgresConversation
from harness.network.proxy import TcpProxy, open_proxy
from harness.network.toxics import Slicer
from harness.postgres.cluster import Cluster

pytestmark = pytest.mark.integration


class Through:
    """A proxy before the server of the tests."""

    def __init__(self, cluster: Cluster, proxy: TcpProxy, cuts: list[AnswerCut]) -> None:
        place = urlsplit(cluster.url("postgres"))
        login = place.netloc.rpartition("@")[0]
        self.url = place._replace(netloc=f"{login}@{proxy.host}:{proxy.port}").geturl()
        self.direct, self.proxy, self.cuts = place.geturl(), proxy, cuts


@pytest.fixture
async def through(cluster: Cluster) -> AsyncIterator[Through]:
    cuts: list[AnswerCut] = []
    async with (
        open_proxy(
            ("127.0.0.1", cluster.port), reads=lambda: PostgresConversation(cuts=cuts)
        ) as proxy,
        await AsyncConnection.connect(cluster.url("postgres"), autocommit=True) as connection,
    ):
        await connection.execute("DROP TABLE IF EXISTS lost_answers")
        await connection.execute("CREATE TABLE lost_answers (n int)")
        yield Through(cluster, proxy, cuts)


async def rows(through: Through) -> list[int]:
    async with await AsyncConnection.connect(through.direct) as connection:
        found = await connection.execute("SELECT n FROM lost_answers ORDER BY n")
        return [int(n) for (n,) in await found.fetchall()]


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("prepare", [True, False])
async def test_what_was_committed_is_there_and_its_client_cannot_know(
    through: Through, autocommit: bool, prepare: bool
) -> None:
    cut = AnswerCut(wanted=lambda text: "INSERT INTO lost_answers" in text)
    through.cuts.append(cut)
    connection = await AsyncConnection.connect(through.url, autocommit=autocommit)
    await connection.execute("SELECT 1")

    async def insert() -> None:
        sql = "INSERT INTO lost_answers VALUES (%s)"
        await connection.execute(sql, [1], prepare=prepare)
        await connection.commit()

    with pytest.raises(psycopg.OperationalError):
        await insert()
    assert connection.closed
    assert await rows(through) == [1]
    [lost] = cut.cut
    assert lost.tag == ("INSERT 0 1" if autocommit else "COMMIT")
    async with await AsyncConnection.connect(through.url) as again:
        await again.execute("INSERT INTO lost_answers VALUES (2)")
    assert await rows(through) == [1, 2]


async def test_who_listens_is_found_by_the_process_of_the_server(through: Through) -> None:
    async with (
        await AsyncConnection.connect(through.url, autocommit=True) as listening,
        await AsyncConnection.connect(through.url, autocommit=True) as other,
    ):
        await listening.execute("LISTEN jobs")
        await other.execute("SELECT 'LISTEN to nobody'")
        read = [each.reads for each in through.proxy.open]
        listens = [
            each.backend_pid
            for each in read
            if isinstance(each, PostgresConversation) and each.listens
        ]
        assert listens == [listening.info.backend_pid]


async def test_sliced_to_single_bytes_it_is_still_read(through: Through) -> None:
    async with (
        through.proxy.toxic(Slicer(average_size=1), "upstream"),
        through.proxy.toxic(Slicer(average_size=1), "downstream"),
        await AsyncConnection.connect(through.url) as connection,
    ):
        got = await connection.execute("SELECT repeat('x', 1000)")
        assert await got.fetchone() == ("x" * 1000,)


async def test_pipelines_copies_and_errors_pass_while_a_cut_waits(through: Through) -> None:
    through.cuts.append(AnswerCut(wanted=lambda text: "never" in text))
    async with await AsyncConnection.connect(through.url, autocommit=True) as connection:
        async with connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int", [n]) for n in range(50)]
        assert [await cursor.fetchone() for cursor in cursors] == [(n,) for n in range(50)]
        with pytest.raises(psycopg.errors.DivisionByZero):
            await connection.execute("SELECT 1 / 0")
        async with (
            connection.cursor() as cursor,
            cursor.copy("COPY lost_answers FROM STDIN") as copy,
        ):
            for n in range(1000):
                await copy.write_row((n,))
    assert len(await rows(through)) == 1000


async def test_a_statement_can_be_canceled_through_it(through: Through) -> None:
    async with await AsyncConnection.connect(through.url, autocommit=True) as connection:
        slow = asyncio.ensure_future(connection.execute("SELECT pg_sleep(60)"))
        while not any(
            isinstance(each.reads, PostgresConversation) and each.reads.statements
            for each in through.proxy.open
        ):
            await asyncio.sleep(0.005)
        await connection.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await slow
