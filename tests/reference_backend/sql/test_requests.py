"""What requests do, each in its organization: seal evidence; request, cancel, retry exports."""

import asyncio
import uuid

import psycopg
import pytest

from tests.reference_backend.conftest import Backend, Tenant

pytestmark = pytest.mark.integration


async def test_sealing_writes_the_record_and_its_event(tenant: Tenant) -> None:
    job_id = await tenant.new_job()

    evidence = await tenant.seal(job_id, "a" * 64)

    (event,) = await tenant.ledger()
    assert evidence["state"] == "sealed"
    assert (evidence["ledger_event_id"], evidence["ledger_seq"]) == (event["id"], 1)
    assert (event["event_name"], event["target_id"]) == ("evidence.sealed", evidence["id"])
    assert event["metadata"]["file_sha256"] == "a" * 64


async def test_the_same_bytes_at_once_are_one_record(tenant: Tenant) -> None:
    job_id = await tenant.new_job()

    records = await asyncio.gather(*(tenant.seal(job_id) for _ in range(12)))

    assert len({record["id"] for record in records}) == 1
    assert {record["ledger_seq"] for record in records} == {1}
    assert len(await tenant.ledger()) == 1


async def test_the_same_bytes_in_another_job_are_another_record(tenant: Tenant) -> None:
    records = [await tenant.seal(await tenant.new_job()) for _ in range(2)]
    assert len({record["id"] for record in records}) == 2


async def test_one_live_export_of_a_job_and_type(tenant: Tenant) -> None:
    job_id = await tenant.new_job()

    exports = await asyncio.gather(*(tenant.request_export(job_id) for _ in range(12)))

    assert len({export["id"] for export in exports}) == 1
    assert (await tenant.request_export(job_id, "ledger"))["id"] != exports[0]["id"]
    assert len(await tenant.ledger()) == 2


async def test_the_ledger_head_is_the_request_itself(tenant: Tenant) -> None:
    job_id = await tenant.new_job()
    await tenant.seal(job_id)

    export = await tenant.request_export(job_id, filters='{"from": 1.10}')

    event = (await tenant.ledger())[-1]
    assert (export["ledger_head_seq"], export["ledger_head_hash"]) == (2, event["hash"])
    assert event["metadata"]["filters"] == {"from": 1.1}


async def test_a_new_export_after_the_last_one_ended(backend: Backend, tenant: Tenant) -> None:
    job_id = await tenant.new_job()
    first = await tenant.request_export(job_id)
    (claim,) = await backend.claim()
    await backend.complete(claim)

    assert (await tenant.request_export(job_id))["id"] != first["id"]


@pytest.mark.parametrize("function", ["cancel_export", "retry_export"])
async def test_an_absent_export_is_null(tenant: Tenant, function: str) -> None:
    assert await tenant.query(f"SELECT {function}(%s) AS done", uuid.uuid4()) == [{"done": None}]


async def test_states_that_do_not_allow_it_are_false(backend: Backend, tenant: Tenant) -> None:
    export = await tenant.request_export()
    assert await tenant.query("SELECT retry_export(%s) AS done", export["id"]) == [{"done": False}]
    (claim,) = await backend.claim()
    await backend.complete(claim)
    assert await tenant.query("SELECT cancel_export(%s) AS done", export["id"]) == [{"done": False}]


async def test_no_retry_beside_a_live_export(backend: Backend, tenant: Tenant) -> None:
    job_id = await tenant.new_job()
    failed = await tenant.request_export(job_id)
    (claim,) = await backend.claim()
    await backend.fail(claim)
    await tenant.request_export(job_id)

    assert await tenant.query("SELECT retry_export(%s) AS done", failed["id"]) == [{"done": False}]
    assert (await tenant.export(failed["id"]))["state"] == "failed"


async def test_foreign_is_absent(backend: Backend, tenant: Tenant) -> None:
    stranger = backend.tenant()
    job_id = await tenant.new_job()
    evidence = await tenant.seal(job_id)
    export = await tenant.request_export(job_id)

    assert await stranger.query(
        "SELECT * FROM seal_evidence(%s, %s, 'a', 1, 'image/png', %s, 'p')",
        uuid.uuid4(), job_id, evidence["file_sha256"],
    ) == []  # fmt: skip
    assert await stranger.query(
        "SELECT * FROM request_export(%s, %s, 'proof-pack', '{}')", uuid.uuid4(), job_id
    ) == []  # fmt: skip
    for function in ("cancel_export", "retry_export"):
        found = await stranger.query(f"SELECT {function}(%s) AS done", export["id"])
        assert found == [{"done": None}]
    assert await stranger.ledger() == []
    assert (await tenant.export(export["id"]))["state"] == "queued"


async def test_a_tenant_writes_to_no_foreign_ledger(backend: Backend, tenant: Tenant) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await backend.tenant().query(
            "SELECT ledger_append(%s, 'evidence.sealed', 'evidence', NULL, '{}')",
            tenant.organization_id,
        )


async def test_queue_position_counts_the_own_organization(backend: Backend, tenant: Tenant) -> None:
    await backend.tenant().exports(2)
    first, second = await tenant.exports(2)

    assert (await tenant.export(first))["queue_position"] == 1
    assert (await tenant.export(second))["queue_position"] == 2
    await backend.claim(limit=10)
    assert (await tenant.export(first))["queue_position"] is None
