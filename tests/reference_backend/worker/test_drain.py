"""A worker that gets SIGTERM finishes what it can and gives back all the rest in its grace time."""

import asyncio
import signal
import time
import uuid

import pytest

from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers, eventually, interrupt, logged

pytestmark = pytest.mark.integration

UNTOUCHED_BY_RECOVERY = {"STUCK_TIMEOUT_S": "600", "HEARTBEAT_INTERVAL_S": "0.2"}
CLAIMING = "FROM pg_stat_activity WHERE query LIKE '%%FROM claim_export_job%%' AND state = 'active'"
LISTENING = (
    "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
)


async def test_drain_finishes_what_it_can_and_gives_back_the_rest(
    backend: Backend, workers: Workers
) -> None:
    quick, slow, late = backend.tenant(), backend.tenant(), backend.tenant()
    evidence = await workers.store_evidence(slow, b"x")
    stays = await slow.request_export(evidence["job_id"])
    worker = workers.start(FAILPOINTS="while_working=sleep:60", DRAIN_GRACE_S="3")
    await workers.wait_for(slow, stays["id"], "preparing")
    started = time.monotonic()
    worker.send(signal.SIGTERM)
    await eventually(logged(worker, "draining"), "the drain to begin")
    waiting = await late.request_export()

    assert await worker.exit_code() == 0

    assert time.monotonic() - started < 3
    export = await slow.export(stays["id"])
    assert (export["state"], export["attempt"], export["claimed_by"]) == ("queued", 1, None)
    assert (await late.export(waiting["id"]))["state"] == "queued", "claimed while draining"
    assert await backend.control("SELECT * FROM workers") == []
    worker = workers.start("w2", FAILPOINTS="while_working=sleep:1")
    finishes = await quick.request_export()
    await workers.wait_for(quick, finishes["id"], "preparing")
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert (await quick.export(finishes["id"]))["state"] == "ready"


async def test_a_claim_that_hangs_keeps_nothing_back(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    """The grace time runs from the signal, not from the return of the claim."""
    export = await tenant.request_export()
    worker = workers.start(
        FAILPOINTS="while_working=sleep:60", DRAIN_GRACE_S="3", **UNTOUCHED_BY_RECOVERY
    )
    await workers.wait_for(tenant, export["id"], "preparing")
    await backend.control(
        "CREATE OR REPLACE FUNCTION claimable_exports(p_limit int, p_max_per_org int)"
        " RETURNS TABLE (export_id uuid, organization_id uuid, queued_at timestamptz)"
        " LANGUAGE sql AS $$ SELECT NULL::uuid, NULL::uuid, NULL::timestamptz FROM pg_sleep(60) $$"
    )

    async def hangs() -> bool:
        rows = await backend.control(f"SELECT pid {CLAIMING}")
        return bool(rows)

    await eventually(hangs, "the worker to hang in a claim")
    worker.send(signal.SIGTERM)

    assert await worker.exit_code() == 0

    given_back = await tenant.export(export["id"])
    assert (given_back["state"], given_back["claimed_by"]) == ("queued", None)


async def test_what_failed_and_waits_for_recovery_is_given_back(
    workers: Workers, tenant: Tenant
) -> None:
    export = await tenant.request_export()
    worker = workers.start(FAILPOINTS="while_working=raise", **UNTOUCHED_BY_RECOVERY)
    await eventually(logged(worker, "leaving it to recovery"), "the work to fail")
    worker.send(signal.SIGTERM)

    assert await worker.exit_code() == 0

    assert (await tenant.export(export["id"]))["state"] == "queued"


async def test_a_completion_that_hangs_is_given_back(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    export = await tenant.request_export()
    worker = workers.start(
        FAILPOINTS="before_commit=sleep:1", DRAIN_GRACE_S="3", **UNTOUCHED_BY_RECOVERY
    )
    await eventually(logged(worker, "failpoint before_commit"), "the export to be made")
    async with await backend.connect_as_superuser() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE audit_logs IN EXCLUSIVE MODE")

        async def hangs() -> bool:
            rows = await backend.control("SELECT pid FROM pg_locks WHERE NOT granted")
            return bool(rows)

        await eventually(hangs, "the completion to hang")
        worker.send(signal.SIGTERM)
        assert await worker.exit_code() == 0

    assert (await tenant.export(export["id"]))["state"] == "queued"


async def test_a_database_that_is_away_for_a_part_of_the_grace_time(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    export = await tenant.request_export()
    worker = workers.start(
        FAILPOINTS="while_working=sleep:60", DRAIN_GRACE_S="6", **UNTOUCHED_BY_RECOVERY
    )
    await workers.wait_for(tenant, export["id"], "preparing")
    away = asyncio.create_task(interrupt(backend, seconds=4.5))
    worker.send(signal.SIGTERM)

    await worker.exit_code()
    await away

    assert (await tenant.export(export["id"]))["state"] == "queued"


async def test_another_process_of_the_same_name_stays_known(
    backend: Backend, workers: Workers
) -> None:
    first, _ = workers.start("twin"), workers.start("twin")

    async def both() -> bool:
        return len(await backend.control("SELECT * FROM workers WHERE name = 'twin'")) == 2

    await eventually(both, "both workers to give a sign of life")
    first.send(signal.SIGTERM)
    assert await first.exit_code() == 0
    assert len(await backend.control("SELECT * FROM workers WHERE name = 'twin'")) == 1


async def test_a_drain_uses_up_no_attempt(backend: Backend, tenant: Tenant) -> None:
    [export_id] = await tenant.exports(1)
    for _ in range(5):
        [claim] = await backend.claim()
        await backend.service(
            "SELECT release_exports(%s, %s)", [claim["id"]], [claim["claim_token"]]
        )
    states = []
    for _ in range(3):
        await backend.claim()
        await backend.silence(export_id)
        states += [row["state"] for row in await backend.recover()]
    assert states == ["queued", "queued", "failed"]
    assert (await tenant.export(export_id))["attempt"] == 8


async def test_a_heartbeat_answers_for_each_attempt(backend: Backend, tenant: Tenant) -> None:
    """The same worker may have claimed an export again while its first attempt still runs."""
    [export_id] = await tenant.exports(1)
    [first] = await backend.claim()
    await backend.silence(export_id)
    await backend.recover()
    [second] = await backend.claim()
    tokens = [first["claim_token"], second["claim_token"]]
    held = await backend.service(
        "SELECT heartbeat_exports('w', %s, %s, %s) AS token", [export_id] * 2, tokens, [1, 1]
    )
    assert [row["token"] for row in held] == [second["claim_token"]]
    assert isinstance(held[0]["token"], uuid.UUID)


async def test_what_is_given_back_wakes_other_workers(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    """An idle worker that polls once an hour takes it up."""

    async def both_listen() -> bool:
        return len(await backend.control(LISTENING)) == 2

    export = await tenant.request_export()
    worker = workers.start(FAILPOINTS="while_working=sleep:60", DRAIN_GRACE_S="1")
    await workers.wait_for(tenant, export["id"], "preparing")
    workers.start("w2", POLL_INTERVAL_S="3600", **UNTOUCHED_BY_RECOVERY)
    await eventually(both_listen, "both workers to listen")
    worker.send(signal.SIGTERM)
    await workers.wait_for(tenant, export["id"], "ready")
