"""The manifest: canonical bytes, and a verification that names whatever was changed."""

import copy
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from reference_backend import archive, database
from reference_backend.archive import EvidenceCorruptError
from reference_backend.database import Row
from reference_backend.manifest import document, jcs, records, verify
from reference_backend.manifest.document import ExportIdentity
from reference_backend.manifest.evidence import EvidenceFile
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.directory import Storage
from tests.reference_backend.conftest import SALT, SALT_KEY_ID, Backend, Tenant

pytestmark = pytest.mark.integration
CONTENT = b"the evidence"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A ready export whose archive was written without any worker."""

    backend: Backend
    tenant: Tenant
    storage: Storage
    root: Path
    export: Row
    evidence: Row

    @property
    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.export["manifest"])
        return value

    async def verify(self, *submitted: object) -> ManifestVerdict:
        async with database.tenant_transaction(self.backend.pool, self.tenant.claims) as connection:
            known = await records.read_records(connection, self.export["id"], {SALT_KEY_ID: SALT})
        assert known is not None
        return await verify.verify(known, self.storage, self.tenant.organization_id, *submitted)

    async def paths(self, *submitted: object) -> list[str]:
        return [mismatch.path for mismatch in (await self.verify(*submitted)).mismatches]

    def object(self, path: str) -> Path:
        return self.root / path


@pytest.fixture
async def finished(backend: Backend, tenant: Tenant, tmp_path: Path) -> Finished:
    storage = Storage(tmp_path / "root")
    storage.prepare()
    async with storage.stage() as staged:
        await staged.write(CONTENT)
        kept = await staged.publish("evidence/one.png")
    job_id = await tenant.new_job()
    evidence = await tenant.seal(job_id, kept.sha256, kept.path, kept.size)
    await tenant.request_export(job_id, filters='{"a": {"b": [1.10, {"c": null}]}}')
    (claim,) = await backend.claim()
    (row,) = await backend.control("SELECT *, filters::text AS filters FROM exports")
    file = EvidenceFile(
        id=evidence["id"], mime_type="image/png", file_size=kept.size, file_sha256=kept.sha256,
        storage_path=kept.path,
    )  # fmt: skip
    identity = _identity(row)
    async with storage.stage() as staged:
        manifest = await staged.fill(
            lambda target: archive.write(target, identity, [file], [], storage.open, lambda _: None)
        )
        stored = await staged.publish("exports/one.zip")
    await backend.service(
        "SELECT complete_exports(%s, %s, %s, %s, %s, %s, %s)",
        [claim["id"]], [claim["claim_token"]], [stored.path], [stored.sha256], [stored.size],
        [manifest.decode()], [document.digest(manifest)],
    )  # fmt: skip
    return Finished(
        backend=backend, tenant=tenant, storage=storage, root=tmp_path / "root",
        export=await tenant.export(claim["id"]), evidence=evidence,
    )  # fmt: skip


def _identity(row: Row) -> ExportIdentity:
    return ExportIdentity(**{field.name: row[field.name] for field in fields(ExportIdentity)})


def _all_true(verdict: ManifestVerdict) -> bool:
    return verdict.manifest_valid and verdict.export_match and verdict.ledger_match


async def test_what_was_stored_is_right(finished: Finished) -> None:
    for verdict in (await finished.verify(), await finished.verify(finished.manifest)):
        assert _all_true(verdict)
        assert verdict.mismatches == ()
        assert [(file.name, file.ok) for file in verdict.files] == [
            (f"evidence/{finished.evidence['id']}.png", True), ("ledger.json", True),
        ]  # fmt: skip


async def test_the_order_and_spelling_of_what_is_submitted_do_not_matter(
    finished: Finished,
) -> None:
    shuffled = json.loads(json.dumps(dict(reversed(finished.manifest.items())), indent=3))
    assert _all_true(await finished.verify(shuffled))


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "/version": lambda m: m.update(version="1.1"),
    "/export_id": lambda m: m.update(export_id=str(uuid.uuid4())),
    "/organization_id": lambda m: m.update(organization_id=str(uuid.uuid4())),
    "/generated_at": lambda m: m.update(generated_at="2026-01-01T00:00:00.000000Z"),
    "/filters/a/b/0": lambda m: m["filters"]["a"]["b"].__setitem__(0, 1.11),
    "/filters/a/b/1/c": lambda m: m["filters"]["a"]["b"][1].update(c=False),
    "/filters/new": lambda m: m["filters"].update(new=None),
    "/files/0/sha256": lambda m: m["files"][0].update(sha256="0" * 64),
    "/files/0/size": lambda m: m["files"][0].update(size=1),
    "/files/1/evidence_id": lambda m: m["files"][1].update(evidence_id="x"),
    "/files/1": lambda m: m["files"].pop(),
    "/files/2": lambda m: m["files"].append(m["files"][0]),
    "/ledger_head/hash": lambda m: m["ledger_head"].update(hash="0" * 64),
    "/extra": lambda m: m.update(extra=1),
}


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_at_any_depth_is_named(finished: Finished, path: str) -> None:
    changed = copy.deepcopy(finished.manifest)
    CHANGES[path](changed)

    verdict = await finished.verify(changed)

    assert not verdict.export_match
    assert not verdict.ledger_match
    assert f"manifest{path}" in [mismatch.path for mismatch in verdict.mismatches]


@pytest.mark.parametrize("submitted", [None, [], "x", {}, {"files": [1]}, {"version": 1e400}])
async def test_what_is_no_manifest_is_not_valid(finished: Finished, submitted: object) -> None:
    verdict = await finished.verify(submitted)
    assert not (verdict.manifest_valid)
    assert not (verdict.export_match)
    assert not (verdict.ledger_match)


async def test_a_file_that_is_gone_from_the_manifest_is_listed(finished: Finished) -> None:
    changed = finished.manifest
    changed["files"] = []
    verdict = await finished.verify(changed)
    assert {file.reason for file in verdict.files} == {"missing_from_manifest"}


async def test_a_changed_evidence_object_is_named(finished: Finished) -> None:
    finished.object("evidence/one.png").write_bytes(b"other")

    verdict = await finished.verify()

    assert not verdict.export_match
    assert verdict.ledger_match
    assert next((file.ok, file.reason) for file in verdict.files) == (False, "object_differs")
    assert verdict.mismatches[0].path.startswith("object of evidence/")


async def test_a_lost_archive_is_named(finished: Finished) -> None:
    finished.object("exports/one.zip").unlink()

    verdict = await finished.verify()

    assert not verdict.export_match
    assert [(mismatch.path, mismatch.got) for mismatch in verdict.mismatches] == [("archive", None)]


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ("UPDATE evidence SET file_sha256 = repeat('0', 64)", "records/files/0/sha256"),
        ("UPDATE evidence SET mime_type = 'image/gif'", "records/files/0/type"),
        ("UPDATE exports SET filters = '{}'", "records/filters/a"),
        ("UPDATE exports SET ledger_head_hash = 'x'", "records/ledger_head/hash"),
        ("UPDATE exports SET manifest_hash = 'x'", "manifest_hash"),
        ("UPDATE exports SET manifest = replace(manifest, '1.1', '1.2')", "records/filters/a/b/0"),
        ("UPDATE exports SET manifest = 'nonsense'", "manifest"),
        ("UPDATE exports SET object_sha256 = 'x'", "archive"),
        ("UPDATE audit_logs SET actor_id = 'x' WHERE ledger_seq = 1", "ledger/chain"),
        ("UPDATE audit_logs SET hash = 'x' WHERE ledger_seq = 2", "ledger/head"),
        ("DELETE FROM audit_logs WHERE event_name = 'export.completed'", "ledger/completed"),
    ],
)
async def test_a_changed_record_is_named(finished: Finished, statement: str, path: str) -> None:
    await finished.backend.control("ALTER TABLE audit_logs DISABLE TRIGGER append_only")
    await finished.backend.control(statement)

    assert path in await finished.paths()
    assert not _all_true(await finished.verify())


async def test_an_export_that_is_not_ready_is_three_times_false(
    finished: Finished, tenant: Tenant
) -> None:
    waiting = await tenant.request_export()
    async with database.tenant_transaction(tenant.pool, tenant.claims) as connection:
        known = await records.read_records(connection, waiting["id"], {})
        absent = await records.read_records(connection, uuid.uuid4(), {})
    assert known is not None
    assert absent is None
    verdict = await verify.verify(known, finished.storage, tenant.organization_id)
    assert not (verdict.manifest_valid)
    assert not (verdict.export_match)
    assert not (verdict.ledger_match)


async def test_a_foreign_export_is_absent(finished: Finished) -> None:
    stranger = finished.backend.tenant()
    async with database.tenant_transaction(stranger.pool, stranger.claims) as connection:
        assert await records.read_records(connection, finished.export["id"], {}) is None


async def test_evidence_is_checked_on_its_way_into_the_archive(finished: Finished) -> None:
    finished.object("evidence/one.png").write_bytes(b"other")
    (row,) = await finished.backend.control("SELECT *, filters::text AS filters FROM exports")
    file = EvidenceFile(
        id=finished.evidence["id"], mime_type="image/png", file_size=len(CONTENT),
        file_sha256=hashlib.sha256(CONTENT).hexdigest(), storage_path="evidence/one.png",
    )  # fmt: skip
    identity = _identity(row)
    with finished.object("out.zip").open("x+b") as target:  # noqa: SIM117 - PT012 wants it apart
        with pytest.raises(EvidenceCorruptError, match="sealed with SHA-256"):
            archive.write(target, identity, [file], [], finished.storage.open, lambda _: None)


@pytest.mark.parametrize(
    "value", [2**53, float("inf"), float("nan"), "\ud800", {"\ud800": 1}, {1: 2}, object()]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(jcs.NotCanonicalError):
        jcs.dumps(value)


def test_a_deep_value_is_refused_not_fatal() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(jcs.NotCanonicalError):
        jcs.dumps(value)


def test_what_jsonb_wrote_is_read_as_it_was_meant() -> None:
    """jsonb writes the double 1e21 as a whole number that is too large for JCS."""
    assert jcs.dumps(jcs.loads("[1000000000000000000000, 1.10, 7]")) == b"[1e+21,1.1,7]"
    assert rfc8785.dumps([1e21, 1.1, 7]) == b"[1e+21,1.1,7]"
