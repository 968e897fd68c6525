import asyncio
from collections.abc import AsyncIterator

import pytest

from contracts.shared.exports.claim_function import ClaimFunction
from contracts.shared.exports.table_lock import lock_table, wait_for_waiters
from harness.database import Database
from harness.errors import CheckFailed
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim

pytestmark = pytest.mark.integration

CAP = 3
QUEUED = 8

TABLE = """
DROP SCHEMA IF EXISTS claims CASCADE;
CREATE SCHEMA claims;
DO $$ BEGIN CREATE ROLE service_role; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA claims TO service_role;
CREATE TABLE claims.exports (
    id int PRIMARY KEY, organization_id int NOT NULL, state text NOT NULL DEFAULT 'queued',
    attempt int NOT NULL DEFAULT 0, claimed_by text
);
GRANT ALL ON claims.exports TO service_role;
"""

FUNCTION = """
CREATE FUNCTION claims.claim_export_job(
    p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3
) RETURNS SETOF claims.exports LANGUAGE plpgsql AS $$
BEGIN
    {lock}
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT id FROM claims.exports WHERE state = 'queued' ORDER BY id
        LIMIT {limit} {skip}
    )
    UPDATE claims.exports AS e
    SET state = 'preparing', attempt = attempt + 1, claimed_by = p_worker
    FROM chosen WHERE e.id = chosen.id {guard}
    RETURNING e.*;
END $$;
"""

TAKEN = "(SELECT count(*) FROM claims.exports WHERE state = 'preparing')"
RIGHT = {
    "lock": "PERFORM pg_advisory_xact_lock(1);",
    "limit": f"LEAST(p_limit, p_max_per_org - {TAKEN})",
    "skip": "FOR UPDATE SKIP LOCKED",
    "guard": "AND e.state = 'queued'",
}


@pytest.fixture
async def claims(database: Database) -> AsyncIterator[ClaimFunction]:
    await define(database, RIGHT)
    claim = Claim(function="claims.claim_export_job", table="claims.exports")
    table = ExportTable(claim=claim, words={}, stuck_timeout_s=2)
    yield ClaimFunction(database=database, table=table, cap=CAP)
    await database.fetch("DROP SCHEMA claims CASCADE")


async def define(database: Database, parts: dict[str, str]) -> None:
    await database.fetch(TABLE)
    await database.fetch(FUNCTION.format(**parts))
    await database.fetch(
        "INSERT INTO claims.exports (id, organization_id) "
        "SELECT n, 1 FROM generate_series(1, %s) AS n",
        [QUEUED],
    )


async def attempts(database: Database) -> list[int]:
    """The attempts of every export in progress."""
    rows = await database.fetch(
        "SELECT attempt FROM claims.exports WHERE state = 'preparing' ORDER BY id"
    )
    return [row["attempt"] for row in rows]


async def test_a_right_function_keeps_the_cap_beside_an_open_claim(claims: ClaimFunction) -> None:
    assert await claims.claim_during_open_claim(limit=CAP - 1) == CAP
    assert await attempts(claims.database) == [1] * CAP


async def test_a_right_function_keeps_and_reaches_the_cap_in_a_stampede(
    claims: ClaimFunction,
) -> None:
    assert await claims.claim_concurrently(6, limit_of=lambda number: number % CAP + 1) == CAP
    assert await attempts(claims.database) == [1] * CAP


async def test_a_cap_counted_without_the_lock_is_always_seen(claims: ClaimFunction) -> None:
    for _ in range(5):
        await define(claims.database, RIGHT | {"lock": ""})
        await claims.claim_during_open_claim(limit=CAP - 1)
        assert len(await attempts(claims.database)) == 2 * (CAP - 1)


async def test_a_claim_without_lock_and_guard_is_always_seen_twice(claims: ClaimFunction) -> None:
    for _ in range(5):
        await define(claims.database, {"lock": "", "limit": "p_limit", "skip": "", "guard": ""})
        await claims.claim_during_open_claim(limit=2)
        assert await attempts(claims.database) == [2, 2]


async def test_more_than_was_asked_for_fails_the_check(claims: ClaimFunction) -> None:
    await define(claims.database, RIGHT | {"limit": "p_max_per_org"})
    with pytest.raises(CheckFailed, match="no more exports"):
        await claims.claim_concurrently(1, limit_of=lambda _number: 1)


async def test_a_function_that_raises_fails_the_check_and_its_error_is_told(
    claims: ClaimFunction,
) -> None:
    await define(claims.database, RIGHT | {"guard": "AND id = e.id"})
    with pytest.raises(CheckFailed, match="SQLSTATE 42702"):
        await claims.claim_concurrently(1, limit_of=lambda _number: 1)


async def test_a_function_that_never_comes_back_empty_is_stopped(claims: ClaimFunction) -> None:
    await claims.database.fetch(
        "CREATE OR REPLACE FUNCTION claims.claim_export_job(p_worker text, p_limit int DEFAULT 1, "
        "p_max_per_org int DEFAULT 3) RETURNS SETOF claims.exports LANGUAGE sql AS "
        "'SELECT * FROM claims.exports LIMIT 1'"
    )
    with pytest.raises(CheckFailed, match="claim nothing"):
        await claims.claim_concurrently(1, limit_of=lambda _number: 1)


async def test_a_row_of_nulls_is_nothing(claims: ClaimFunction) -> None:
    await claims.database.fetch(
        "DROP FUNCTION claims.claim_export_job; "
        "CREATE FUNCTION claims.claim_export_job(p_worker text, p_limit int, p_max_per_org int) "
        "RETURNS claims.exports LANGUAGE sql AS 'SELECT NULL::claims.exports'"
    )
    assert await claims.claim_concurrently(2, limit_of=lambda _number: 1) == 0


async def test_writers_meet_at_a_held_table_and_readers_pass(claims: ClaimFunction) -> None:
    database = claims.database

    async def write(export_id: int) -> None:
        async with database.connect() as connection:
            await connection.execute(
                "UPDATE claims.exports SET attempt = attempt + 1 WHERE id = %s", [export_id]
            )

    async with lock_table(database, "claims.exports") as locked:
        assert locked
        writers = [asyncio.create_task(write(export_id)) for export_id in (1, 1, 2)]
        assert await wait_for_waiters(database, 3, deadline_s=5) == 3
        assert (await database.fetch("SELECT sum(attempt) AS n FROM claims.exports"))[0]["n"] == 0
        assert not any(writer.done() for writer in writers)
    await asyncio.gather(*writers)
    assert (await database.fetch("SELECT sum(attempt) AS n FROM claims.exports"))[0]["n"] == 3


async def test_fewer_than_wanted_are_counted_at_the_deadline(claims: ClaimFunction) -> None:
    async with lock_table(claims.database, "claims.exports") as locked:
        assert locked
        assert await wait_for_waiters(claims.database, 1, deadline_s=0.05) == 0


async def test_a_table_that_cannot_be_locked_is_reported_soon(claims: ClaimFunction) -> None:
    async with claims.database.connect() as writer, writer.transaction():
        await writer.execute("UPDATE claims.exports SET attempt = 1 WHERE id = 1")
        async with lock_table(claims.database, "claims.exports", within_s=0.1) as locked:
            assert not locked
