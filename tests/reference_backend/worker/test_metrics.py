"""What the metrics say is what the database holds, and a worker shows its own."""

import asyncio
import urllib.request

import pytest
from prometheus_client.core import Metric

from harness.machine.ports import free_port
from reference_backend import database
from reference_backend.api.metrics import DatabaseMetrics
from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers, eventually

pytestmark = pytest.mark.integration


async def _values(backend: Backend) -> dict[str, float]:
    async with database.service_transaction(backend.pool) as connection:
        [row] = await database.fetch_all(connection, "metrics", stuck_timeout_s=60)
    families: list[Metric] = list(DatabaseMetrics(row).collect())
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def test_an_empty_database(backend: Backend) -> None:
    values = await _values(backend)
    assert values["export_jobs{queued}"] == values["export_jobs{ready}"] == 0
    assert values["export_oldest_queued_seconds"] == 0
    assert values["export_duplicate_completions_total"] == 0
    assert values["export_claim_fallback_total"] == 0
    assert values["ledger_hash_mismatch_total"] == 0


async def test_exports_by_state_and_age(backend: Backend, tenant: Tenant) -> None:
    await tenant.exports(5)
    claims = await backend.claim(limit=3)
    await backend.complete(claims[0])
    await backend.silence(claims[1]["id"])
    await backend.control(
        "UPDATE exports SET created_at = created_at - interval '100 s' WHERE state = 'queued'"
    )
    await backend.heartbeat(claims[2]["id"], claims[2]["claim_token"])
    await backend.control("UPDATE workers SET heartbeat_at = heartbeat_at - interval '50 s'")

    values = await _values(backend)

    assert [values[f"export_jobs{{{state}}}"] for state in ("queued", "preparing", "ready")] == [
        2, 2, 1,
    ]  # fmt: skip
    assert 100 <= values["export_oldest_queued_seconds"] < 130
    assert values["export_stuck_jobs"] == 1
    assert 50 <= values["worker_heartbeat_age_seconds{w}"] < 80
    await backend.recover()
    values = await _values(backend)
    assert (values["export_stuck_jobs"], values["export_reclaims_total"]) == (0, 1)


async def test_a_duplicate_completion_is_seen(backend: Backend, tenant: Tenant) -> None:
    export = await tenant.request_export()
    for _ in range(3):
        await tenant.query(
            "SELECT ledger_append(%s, 'export.completed', 'export', %s, '{}')",
            tenant.organization_id, export["id"],
        )  # fmt: skip
    assert (await _values(backend))["export_duplicate_completions_total"] == 2


async def test_a_worker_shows_its_own(workers: Workers, tenant: Tenant) -> None:
    port = free_port()
    export = await tenant.request_export()
    worker = workers.start(PORT=str(port))
    await workers.wait_for(tenant, export["id"], "ready")

    def scrape() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    async def shown() -> bool:
        return 'worker_exports_total{outcome="ended"} 1.0' in await asyncio.to_thread(scrape)

    await eventually(shown, "the worker to show the export")
    second = workers.start("w2", PORT=str(port))
    assert await second.exit_code() == 3
    assert f"PORT={port}" in second.log
    assert worker.process.poll() is None
