"""claim_export_job(): exact, oldest first, never twice."""

import asyncio
import uuid

import pytest

from tests.reference_backend.conftest import Backend, Tenant

pytestmark = pytest.mark.integration


async def test_claim_marks_the_export(backend: Backend, tenant: Tenant) -> None:
    export = await tenant.request_export()

    (claimed,) = await backend.claim("worker-1")

    assert claimed["id"] == export["id"]
    assert (claimed["state"], claimed["attempt"], claimed["claimed_by"]) == (
        "preparing", 1, "worker-1",
    )  # fmt: skip
    assert isinstance(claimed["claim_token"], uuid.UUID)
    assert claimed["started_at"] is not None
    assert claimed["heartbeat_at"] is not None
    assert await backend.claim() == []


async def test_defaults_are_one_export_and_three_per_organization(
    backend: Backend, tenant: Tenant
) -> None:
    await tenant.exports(5)

    claimed = [len(await backend.service("SELECT * FROM claim_export_job('w')")) for _ in range(5)]

    assert claimed == [1, 1, 1, 0, 0]


async def test_a_batch_is_oldest_first_over_all_organizations(backend: Backend) -> None:
    tenants = [backend.tenant() for _ in range(4)]
    requested = [(await tenants[i % 4].request_export())["id"] for i in range(12)]

    claimed = [row["id"] for row in await backend.claim(limit=5)]
    claimed += [row["id"] for row in await backend.claim(limit=100)]

    assert claimed == requested


async def test_exports_of_one_instant_are_claimed_in_a_stable_order(backend: Backend) -> None:
    for _ in range(6):
        await backend.tenant().request_export()
    await backend.control("UPDATE exports SET created_at = '2026-01-01'")

    claimed = [(await backend.claim())[0]["id"] for _ in range(6)]

    assert claimed == sorted(claimed)


async def test_a_full_organization_does_not_hold_up_the_others(backend: Backend) -> None:
    busy, other = backend.tenant(), backend.tenant()
    await busy.exports(8)
    (waiting,) = await other.exports(1)

    first = await backend.claim(limit=3)
    second = await backend.claim(limit=3)

    assert {row["organization_id"] for row in first} == {busy.organization_id}
    assert [row["id"] for row in second] == [waiting]


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_of_nothing_claims_nothing(
    backend: Backend, tenant: Tenant, limit: int
) -> None:
    await tenant.exports(1)
    assert await backend.claim(limit=limit) == []


async def test_a_batch_never_exceeds_its_limit_whatever_the_plan(backend: Backend) -> None:
    for _ in range(30):
        await backend.tenant().exports(2)
    for switched_off in ("hashagg", "hashjoin", "mergejoin", "material", "memoize", "sort"):
        await backend.control(
            f"ALTER FUNCTION claim_export_job(text, int, int) SET enable_{switched_off} = off"
        )

    assert len(await backend.claim(limit=7)) == 7


async def test_sixteen_clients_claim_each_export_once_within_the_cap(backend: Backend) -> None:
    tenants = [backend.tenant() for _ in range(5)]
    for tenant in tenants:
        await tenant.exports(20)
    running: dict[uuid.UUID, int] = {}
    highest = 0
    claimed: list[uuid.UUID] = []
    tokens: set[uuid.UUID] = set()

    async def work(name: str, limit: int) -> None:
        nonlocal highest
        while len(claimed) < 100:
            rows = await backend.claim(name, limit)
            for row in rows:
                claimed.append(row["id"])
                tokens.add(row["claim_token"])
                running[row["organization_id"]] = running.get(row["organization_id"], 0) + 1
                highest = max(highest, running[row["organization_id"]])
            await asyncio.sleep(0)
            for row in rows:  # counted down before the database does: never too high by accident
                running[row["organization_id"]] -= 1
                assert await backend.complete(row) == [row["id"]]

    await asyncio.gather(*(work(f"w{i}", 1 + i % 4) for i in range(16)))

    assert len(claimed) == len(set(claimed)) == len(tokens) == 100
    assert highest <= 3


async def test_the_cap_is_used_up_by_sixteen_claims_at_once(
    backend: Backend, tenant: Tenant
) -> None:
    """Whoever finds the organization busy waits for it rather than leaving empty-handed."""
    await tenant.exports(16)

    answers = await asyncio.gather(*(backend.claim(f"w{i}") for i in range(16)))

    assert sum(len(rows) for rows in answers) == 3


async def test_a_claim_that_is_not_committed_yet_counts(backend: Backend, tenant: Tenant) -> None:
    await tenant.exports(4)
    async with await backend.connect_as_superuser() as holder:
        async with holder.transaction():
            await holder.execute("SELECT * FROM claim_export_job('slow', 2)")
            waiting = asyncio.create_task(backend.claim("quick", 4))
            done, _ = await asyncio.wait({waiting}, timeout=0.3)
            assert not done, "the claim must wait for the one under way"
        assert len(await waiting) == 1


async def test_other_organizations_are_claimed_meanwhile(backend: Backend) -> None:
    first, second = backend.tenant(), backend.tenant()
    await first.exports(2)
    (free,) = await second.exports(1)
    async with await backend.connect_as_superuser() as holder, holder.transaction():
        await holder.execute("SELECT * FROM claim_export_job('slow', 1)")
        async with asyncio.timeout(5):
            assert [row["id"] for row in await backend.claim("quick")] == [free]


async def test_a_locked_export_is_skipped(backend: Backend, tenant: Tenant) -> None:
    oldest, next_one = await tenant.exports(2)
    async with await backend.connect_as_superuser() as holder, holder.transaction():
        await holder.execute("SELECT FROM exports WHERE id = %s FOR UPDATE", [oldest])
        async with asyncio.timeout(5):
            assert [row["id"] for row in await backend.claim()] == [next_one]


FEW = 2000  # pages; walking through the queue reads more than 20,000
QUEUE_OF = """
WITH new_jobs AS (
    INSERT INTO jobs (organization_id, title)
    SELECT md5(mod(i, %s)::text)::uuid, 't' FROM generate_series(1, %s) AS i
    RETURNING id, organization_id
)
INSERT INTO exports (organization_id, job_id, export_type)
SELECT organization_id, id, 'ledger' FROM new_jobs
"""


@pytest.mark.parametrize("organizations", [10, 2000, 20000])
async def test_a_long_queue_is_not_walked_through(backend: Backend, organizations: int) -> None:
    """Neither when few organizations fill it nor when many do, and before it is ever analyzed."""
    await backend.control(QUEUE_OF, organizations, 20000)
    await backend.claim(limit=20)

    assert await _pages_read(backend) < FEW


async def test_nor_when_full_organizations_stand_at_its_front(backend: Backend) -> None:
    await backend.control(QUEUE_OF, 10, 20000)
    assert len(await backend.claim(limit=100)) == 30
    late = backend.tenant()
    (waiting,) = await late.exports(1)

    assert await _pages_read(backend) < FEW
    assert [row["id"] for row in await backend.claim(limit=10)] == [waiting]


async def _pages_read(backend: Backend) -> int:
    """What a claim of ten reads once its plans are made; rolled back."""
    statement = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM claim_export_job('w', 10)"
    async with (
        await backend.connect_as_superuser() as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute("SAVEPOINT fresh")
        await connection.execute(statement)
        await connection.execute("ROLLBACK TO fresh")
        cursor = await connection.execute(statement)
        (plan,) = await cursor.fetchall()
    pages: int = plan["QUERY PLAN"][0]["Plan"]["Shared Hit Blocks"]
    return pages
