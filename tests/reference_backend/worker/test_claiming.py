"""The worker's way of claiming: by the function, loudly without it, never around an outage."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from reference_backend import database
from reference_backend.database import Pool
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.metrics import WorkerMetrics
from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers, eventually

pytestmark = pytest.mark.integration
RAISING = """
CREATE OR REPLACE FUNCTION claim_export_job(
    p_worker text, p_limit int DEFAULT 1, p_max_per_org int DEFAULT 3)
RETURNS SETOF exports LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM exports WHERE state = 'queued') THEN RAISE 'out of order'; END IF;
END $$
"""
MISSING = "ALTER FUNCTION claim_export_job(text, int, int) RENAME TO misplaced"
RESTORED = "ALTER FUNCTION misplaced(text, int, int) RENAME TO claim_export_job"


@pytest_asyncio.fixture
async def pool(backend: Backend) -> AsyncIterator[Pool]:
    async with database.create_pool(
        backend.settings, role="service_role", autocommit=True
    ) as opened:
        yield opened


@pytest.fixture
def claimer(backend: Backend, pool: Pool) -> Claimer:
    return Claimer(backend.settings, pool, WorkerMetrics())


async def _fallbacks(backend: Backend) -> int:
    rows = await backend.control(
        "SELECT value FROM backend_counters WHERE name = 'export_claim_fallback_total'"
    )
    return int(rows[0]["value"]) if rows else 0


async def test_by_the_function(backend: Backend, claimer: Claimer, tenant: Tenant) -> None:
    requested = await tenant.exports(4)

    claims = await claimer.claim(10)

    assert [claim.id for claim in claims] == requested[:3]
    assert await _fallbacks(backend) == 0


async def test_without_the_function_loudly(
    backend: Backend, claimer: Claimer, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    requested = await tenant.exports(5)
    await backend.control(MISSING)

    with caplog.at_level(logging.ERROR):
        claims = await claimer.claim(2)

    assert len(claims) == 2
    assert {claim.id for claim in claims} <= set(requested)
    assert all(claim.attempt == 1 for claim in claims)
    assert "claim_export_job() is missing" in caplog.text
    assert await _fallbacks(backend) == 1

    await backend.control(RESTORED)
    assert len(await claimer.claim(10)) == 1, "two of three are in progress"
    assert await _fallbacks(backend) == 1


async def test_the_fallback_is_as_exact(backend: Backend, pool: Pool) -> None:
    for _ in range(4):
        await backend.tenant().exports(10)
    await backend.control(MISSING)
    claimers = [
        Claimer(replace(backend.settings, worker_name=f"w{i}"), pool, WorkerMetrics())
        for i in range(12)
    ]

    answers = await asyncio.gather(*(claimer.claim(3) for claimer in claimers))

    claims = [claim for answer in answers for claim in answer]
    assert len(claims) == len({claim.id for claim in claims}) == 12
    assert len({claim.claim_token for claim in claims}) == 12
    per_organization = await backend.control(
        "SELECT count(*) AS n FROM exports WHERE state = 'preparing' GROUP BY organization_id"
    )
    assert per_organization == [{"n": 3}] * 4


async def test_function_and_fallback_share_the_cap(
    backend: Backend, claimer: Claimer, tenant: Tenant
) -> None:
    await tenant.exports(10)
    await backend.control(f"{MISSING}; GRANT EXECUTE ON FUNCTION misplaced TO service_role")

    async def by_function() -> int:
        return len(await backend.service("SELECT misplaced('other', 2)"))

    async def by_fallback() -> int:
        return len(await claimer.claim(3))

    claimed = await asyncio.gather(by_function(), by_function(), by_fallback(), by_function())

    assert sum(claimed) == 3


async def test_a_raising_function_is_an_outage(
    backend: Backend, claimer: Claimer, tenant: Tenant
) -> None:
    await tenant.exports(1)
    await backend.control(RAISING)

    with pytest.raises(psycopg.errors.RaiseException, match="out of order"):
        await claimer.claim(1)

    assert await _fallbacks(backend) == 0


async def test_something_missing_inside_the_function_is_an_outage(
    backend: Backend, claimer: Claimer, tenant: Tenant
) -> None:
    """The same SQLSTATE as a missing claim function, yet the function is there, and broken."""
    await tenant.exports(1)
    await backend.control("ALTER FUNCTION claimable_exports(int, int) RENAME TO misplaced")

    with pytest.raises(psycopg.errors.UndefinedFunction, match="claimable_exports"):
        await claimer.claim(1)

    assert await _fallbacks(backend) == 0


async def test_the_worker_waits_out_a_raising_function(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    (definition,) = await backend.control(
        "SELECT pg_get_functiondef('claim_export_job(text, int, int)'::regprocedure) AS text"
    )
    await backend.control(RAISING)
    export = await tenant.request_export()
    worker = workers.start()

    async def complained() -> bool:
        return "out of order" in worker.log

    await eventually(complained, "the worker to say so")
    assert (await tenant.export(export["id"]))["state"] == "queued"
    async with await backend.connect_as_superuser() as connection:
        await connection.execute(definition["text"].encode())
    await workers.wait_for(tenant, export["id"], "ready")
    assert await _fallbacks(backend) == 0
