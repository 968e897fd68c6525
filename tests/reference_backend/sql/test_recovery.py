"""recover_stuck_exports(): dead workers' exports come back, living workers' exports stay."""

import asyncio

import pytest

from tests.reference_backend.conftest import Backend, Tenant

pytestmark = pytest.mark.integration


async def test_silence_brings_an_export_back_to_the_queue(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()
    await backend.silence(claim["id"])

    assert [row["id"] for row in await backend.recover()] == [claim["id"]]

    export = await tenant.export(claim["id"])
    assert export["state"] == "queued"
    assert export["attempt"] == 1
    assert [export[name] for name in ("claimed_by", "heartbeat_at", "started_at")] == [None] * 3
    assert export["progress"] == 0


async def test_a_live_heartbeat_is_never_stolen_from(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()
    await backend.control("UPDATE exports SET started_at = started_at - interval '1 day'")
    assert await backend.heartbeat(claim["id"], claim["claim_token"]) == 1

    assert await backend.recover("1 minute") == []


async def test_a_heartbeat_that_commits_meanwhile_is_seen(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()
    await backend.silence(claim["id"])
    async with await backend.connect_as_superuser() as worker, worker.transaction():
        await worker.execute(
            "SELECT heartbeat_exports('w', %s, %s, %s)",
            [[claim["id"]], [claim["claim_token"]], [1]],
        )
        assert await backend.recover() == []
    assert await backend.recover() == []


async def test_three_attempts_then_failed(backend: Backend, tenant: Tenant) -> None:
    export_id = (await tenant.request_export())["id"]
    states = []
    for attempt in (1, 2, 3):
        (claim,) = await backend.claim(f"worker-{attempt}")
        assert claim["attempt"] == attempt
        await backend.silence(claim["id"])
        states += [row["state"] for row in await backend.recover()]

    assert states == ["queued", "queued", "failed"]
    export = await tenant.export(export_id)
    assert export["error_code"] == "attempts_exhausted"
    assert "worker-3" in export["error_message"]
    assert export["completed_at"] is not None
    assert await backend.claim() == []
    assert [event["event_name"] for event in await tenant.ledger()] == [
        "export.requested", "export.failed",
    ]  # fmt: skip


async def test_a_retry_grants_three_more(backend: Backend, tenant: Tenant) -> None:
    export_id = (await tenant.request_export())["id"]
    for _ in range(3):
        await backend.claim()
        await backend.silence(export_id)
        await backend.recover()

    assert (await tenant.query("SELECT retry_export(%s) AS done", export_id))[0]["done"]

    attempts = []
    for _ in range(3):
        (claim,) = await backend.claim()
        attempts.append(claim["attempt"])
        await backend.silence(export_id)
        await backend.recover()
    assert attempts == [4, 5, 6]
    assert (await tenant.export(export_id))["state"] == "failed"
    assert [event["event_name"] for event in await tenant.ledger()] == [
        "export.requested", "export.failed", "export.requested", "export.failed",
    ]  # fmt: skip


async def test_two_recoverers_take_each_export_once(backend: Backend) -> None:
    for _ in range(10):
        await backend.tenant().exports(3)
    claims = await backend.claim(limit=30)
    for claim in claims:
        await backend.silence(claim["id"])

    answers = await asyncio.gather(*(backend.recover() for _ in range(6)))

    recovered = [row["id"] for answer in answers for row in answer]
    assert sorted(recovered) == sorted(claim["id"] for claim in claims)
    (counter,) = await backend.control("SELECT * FROM backend_counters")
    assert counter == {"name": "export_reclaims_total", "value": 30}


async def test_terminal_states_stay(backend: Backend, tenant: Tenant) -> None:
    for ending in ("ready", "failed", "canceled"):
        await tenant.request_export()
        (claim,) = await backend.claim()
        if ending == "ready":
            await backend.complete(claim)
        elif ending == "failed":
            await backend.fail(claim)
        else:
            await tenant.query("SELECT cancel_export(%s)", claim["id"])
        await backend.silence(claim["id"])

    assert await backend.recover() == []
    assert await backend.claim(limit=10) == []


async def test_a_draining_worker_gives_back_at_once(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()

    await backend.service("SELECT release_exports(%s, %s)", [claim["id"]], [claim["claim_token"]])

    (again,) = await backend.claim()
    assert (again["id"], again["attempt"]) == (claim["id"], 2)
