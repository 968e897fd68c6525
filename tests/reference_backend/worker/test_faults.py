"""Workers die, freeze, lose the database, meet a deadly job: nothing is lost or doubled."""

import asyncio
import signal
import time
from typing import get_args

import pytest

from reference_backend import failpoints
from reference_backend.worker.loop import Worker
from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers, eventually, interrupt, logged

pytestmark = pytest.mark.integration

STUCK_TIMEOUT_S = 1.5
LISTENERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND (query LIKE 'LISTEN%%' OR query = 'SELECT 1')"
)


async def _completions(tenant: Tenant) -> int:
    return sum(event["event_name"] == "export.completed" for event in await tenant.ledger())


@pytest.mark.parametrize("failpoint", get_args(failpoints.Name))
async def test_killed_at_every_failpoint(workers: Workers, tenant: Tenant, failpoint: str) -> None:
    evidence = await workers.store_evidence(tenant, b"content" * 1000)
    export = await tenant.request_export(evidence["job_id"])
    victim = workers.start("victim", FAILPOINTS=f"{failpoint}=sleep:60")
    await eventually(logged(victim, f"failpoint {failpoint}"), f"the victim to reach {failpoint}")
    killed_at = time.monotonic()
    victim.send(signal.SIGKILL)
    await victim.exit_code()
    workers.start("survivor")

    ready = await workers.wait_for(tenant, export["id"], "ready", "failed")

    assert ready["state"] == "ready"
    assert await _completions(tenant) == 1
    assert workers.archive(ready).read(f"evidence/{evidence['id']}.png") == b"content" * 1000
    if failpoint == "after_commit":
        assert ready["attempt"] == 1
    else:
        assert (ready["attempt"], ready["claimed_by"]) == (2, "survivor")
        assert time.monotonic() - killed_at > STUCK_TIMEOUT_S - 0.5, "taken back too early"
    (left,) = workers.stored_objects()
    assert left == workers.storage_dir / ready["storage_path"]


@pytest.mark.parametrize("action", ["raise", "exit:9"])
async def test_a_poison_job_ends_after_three_attempts(
    backend: Backend, workers: Workers, tenant: Tenant, action: str
) -> None:
    export = await tenant.request_export()
    poison = f"while_working={action}"
    worker = workers.start("w1", FAILPOINTS=poison)

    async def given_up() -> bool:
        nonlocal worker
        if worker.process.poll() is not None:  # as a supervisor would
            worker = workers.start(f"w{len(workers.running) + 1}", FAILPOINTS=poison)
        return bool((await tenant.export(export["id"]))["state"] == "failed")

    await eventually(given_up, "the export to be given up")

    failed = await tenant.export(export["id"])
    assert (failed["attempt"], failed["error_code"]) == (3, "attempts_exhausted")
    assert [event["event_name"] for event in await tenant.ledger()] == [
        "export.requested", "export.failed",
    ]  # fmt: skip


async def test_a_frozen_worker_wakes_up_to_nothing(workers: Workers, tenant: Tenant) -> None:
    """The zombie has stored its object and is about to commit when its export is taken back."""
    export = await tenant.request_export()
    zombie = workers.start("zombie", FAILPOINTS="before_commit=sleep:0.5")
    await eventually(logged(zombie, "failpoint before_commit"), "the zombie to be about to commit")
    zombie.send(signal.SIGSTOP)
    workers.start("successor")
    ready = await workers.wait_for(tenant, export["id"], "ready")
    zombie.send(signal.SIGCONT)

    async def noticed() -> bool:
        return "stale token" in zombie.log or "taken away" in zombie.log

    await eventually(noticed, "the zombie to notice")
    assert await tenant.export(export["id"]) == ready
    assert ready["claimed_by"] == "successor"
    assert await _completions(tenant) == 1
    workers.archive(ready)


async def test_a_long_job_is_kept_by_its_heartbeats(workers: Workers, tenant: Tenant) -> None:
    export = await tenant.request_export()
    workers.start("slow", FAILPOINTS="while_working=sleep:4")
    workers.start("eager")

    ready = await workers.wait_for(tenant, export["id"], "ready")

    assert ready["attempt"] == 1


async def test_a_canceled_export_stops_the_work(workers: Workers, tenant: Tenant) -> None:
    export = await tenant.request_export()
    worker = workers.start(FAILPOINTS="while_working=sleep:60")
    await workers.wait_for(tenant, export["id"], "preparing")
    await tenant.query("SELECT cancel_export(%s)", export["id"])

    await eventually(logged(worker, "stopping work on it"), "the worker to stop", deadline_s=5)
    assert (await tenant.export(export["id"]))["state"] == "canceled"
    assert workers.stored_objects() == []


async def test_stopping_comes_to_an_end_whenever_it_begins(
    backend: Backend, workers: Workers
) -> None:
    """A cancellation that is lost on the way to a connection must not leave half a worker."""
    for _ in range(40):
        worker = Worker(backend.settings, workers.storage)
        running = asyncio.create_task(worker.run())
        await worker.listening.wait()
        worker.stop()
        async with asyncio.timeout(5):
            await running


async def test_an_interrupted_database_is_survived(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    worker = workers.start(FAILPOINTS="before_commit=sleep:1.2", STUCK_TIMEOUT_S="20")
    export = await tenant.request_export()
    await workers.wait_for(tenant, export["id"], "preparing")

    await interrupt(backend, seconds=1.5)  # the moment of the commit is within

    ready = await workers.wait_for(tenant, export["id"], "ready")
    assert ready["attempt"] == 1
    assert await _completions(tenant) == 1
    again = await tenant.request_export()
    await workers.wait_for(tenant, again["id"], "ready")
    assert worker.process.poll() is None


async def test_a_lost_listener_listens_again(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    """With polling out of the way, only a notification can tell the worker in time."""
    workers.start(POLL_INTERVAL_S="600", SWEEP_INTERVAL_S="600", STUCK_TIMEOUT_S="3000")
    first = await tenant.request_export()
    await workers.wait_for(tenant, first["id"], "ready")

    lost = await backend.control(f"SELECT pg_terminate_backend(pid), pid {LISTENERS}")
    assert len(lost) == 1

    async def listening_again() -> bool:
        return bool(await backend.control(f"SELECT pid {LISTENERS}"))

    await eventually(listening_again, "the worker to listen again")
    second = await tenant.request_export()
    await workers.wait_for(tenant, second["id"], "ready")
