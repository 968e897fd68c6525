"""What an export contains, and that it is the same whoever makes it."""

import hashlib
import json
import uuid
from pathlib import Path

import pytest

from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers

pytestmark = pytest.mark.integration


async def test_a_proof_pack(workers: Workers, tenant: Tenant) -> None:
    evidence = await workers.store_evidence(tenant, b"first")
    export = await tenant.request_export(evidence["job_id"], filters='{"tag": "a", "n": 1e21}')
    await tenant.seal(evidence["job_id"], "f" * 64)  # after the request: not part of it

    workers.start()
    ready = await workers.wait_for(tenant, export["id"], "ready", "failed")

    archive = workers.archive(ready)
    name = f"evidence/{evidence['id']}.png"
    assert archive.namelist() == [name, "ledger.json", "manifest.json"]
    assert archive.read(name) == b"first"
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["version"] == "1.0"
    assert manifest["export_id"] == str(export["id"])
    assert manifest["filters"] == {"tag": "a", "n": 1e21}
    assert manifest["ledger_head"] == {"ledger_seq": 2, "hash": export["ledger_head_hash"]}
    chain = json.loads(archive.read("ledger.json"))
    assert [event["event_name"] for event in chain] == ["evidence.sealed", "export.requested"]
    assert chain[1]["hash"] == export["ledger_head_hash"]
    completed = (await tenant.ledger())[-1]
    assert completed["metadata"]["manifest_hash"] == ready["manifest_hash"]
    assert completed["metadata"]["object_sha256"] == ready["object_sha256"]


async def test_a_ledger_export(workers: Workers, tenant: Tenant) -> None:
    evidence = await workers.store_evidence(tenant, b"first")
    export = await tenant.request_export(evidence["job_id"], "ledger")

    workers.start()
    ready = await workers.wait_for(tenant, export["id"], "ready", "failed")

    assert workers.archive(ready).namelist() == ["ledger.json", "manifest.json"]


async def test_another_attempt_writes_the_same_bytes(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    evidence = await workers.store_evidence(tenant, b"x" * 3_000_000)
    export = await tenant.request_export(evidence["job_id"])
    killed = workers.start("w1", FAILPOINTS="before_commit=exit")
    assert await killed.exit_code() == 70
    (first,) = workers.stored_objects()
    content = first.read_bytes()
    await tenant.request_export()  # the ledger has moved on

    workers.start("w2")
    ready = await workers.wait_for(tenant, export["id"], "ready")

    assert ready["attempt"] == 2
    assert ready["object_sha256"] == hashlib.sha256(content).hexdigest()
    assert first == workers.storage_dir / ready["storage_path"]
    assert first.read_bytes() == content


@pytest.mark.parametrize(
    ("damage", "error_code"), [("change", "evidence_corrupt"), ("remove", "evidence_missing")]
)
async def test_damaged_evidence_fails_the_export(
    workers: Workers, tenant: Tenant, damage: str, error_code: str
) -> None:
    evidence = await workers.store_evidence(tenant, b"first")
    export = await tenant.request_export(evidence["job_id"])
    _damage(workers.storage_dir / evidence["storage_path"], damage)

    workers.start()
    failed = await workers.wait_for(tenant, export["id"], "ready", "failed")

    assert (failed["state"], failed["error_code"], failed["attempt"]) == ("failed", error_code, 1)
    assert (await tenant.ledger())[-1]["event_name"] == "export.failed"
    assert workers.stored_objects() == []


def _damage(path: Path, damage: str) -> None:
    if damage == "change":
        path.write_bytes(b"other")
    else:
        path.unlink()


async def test_hundreds_of_exports_by_three_workers_once_each(
    backend: Backend, workers: Workers
) -> None:
    tenants = [backend.tenant() for _ in range(6)]
    requested: dict[uuid.UUID, Tenant] = {}
    for tenant in tenants:
        requested |= dict.fromkeys(await tenant.exports(40), tenant)

    for number in range(3):
        workers.start(f"w{number}")
    for export_id, tenant in requested.items():
        export = await workers.wait_for(tenant, export_id, "ready", "failed")
        assert (export["state"], export["attempt"]) == ("ready", 1)
        workers.archive(export)

    for tenant in tenants:
        completed = [
            event["target_id"]
            for event in await tenant.ledger()
            if event["event_name"] == "export.completed"
        ]
        assert len(completed) == len(set(completed)) == 40
    assert len(workers.stored_objects()) == 240
