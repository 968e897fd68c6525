"""verifyManifest: three answers, each for its own reason; a change at any depth is seen."""

import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from tests.reference_backend.api.conftest import (
    PNG,
    Api,
    Member,
    database_of_its_own,
    problem_code,
    serve,
    worker_beside,
)
from tests.reference_backend.api.test_exports import until
from tests.reference_backend.conftest import Backend

pytestmark = pytest.mark.integration
Change = Callable[[dict[str, Any]], None]


@dataclass
class Proven:
    """A ready export and its manifest."""

    backend: Backend
    api: Api
    member: Member
    evidence: dict[str, Any]
    export: dict[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        return copy.deepcopy(self.export["manifest"])

    async def verify(self, **body: object) -> dict[str, Any]:
        response = await self.member.http.post("/api/verify/manifest", json=body)
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()["data"]
        return data


def flags(data: dict[str, Any]) -> tuple[bool, bool, bool]:
    return data["manifest_valid"], data["export_match"], data["ledger_match"]


@pytest_asyncio.fixture(scope="module")
async def proven(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Proven]:
    """One for all tests of this file: those that damage it repair it."""
    storage = tmp_path_factory.mktemp("storage")
    async with (
        database_of_its_own(cluster, template, storage) as backend,
        serve(backend.settings) as api,
    ):
        member = await api.member()
        evidence = await member.sealed()
        async with worker_beside(api):
            export = await member.request(filters={"a": {"b": [1, {"c": "d"}]}})
            export = await until(member, export["id"], "ready", "failed")
        yield Proven(backend, api, member, evidence, export)


async def test_a_sound_export(proven: Proven) -> None:
    export_id = proven.export["id"]
    for body in (
        {"export_id": export_id},
        {"export_id": export_id.upper()},
        {"manifest": proven.manifest},
        {"manifest": proven.manifest, "export_id": export_id},
    ):
        data = await proven.verify(**body)
        assert flags(data) == (True, True, True)
        assert data["mismatches"] == []
        assert {file["name"] for file in data["files"]} == {
            f"evidence/{proven.evidence['id']}.png",
            "ledger.json",
        }
        assert all(file["ok"] and file["reason"] is None for file in data["files"])


def _change_filter(manifest: dict[str, Any]) -> None:
    manifest["filters"]["a"]["b"][1]["c"] = "e"


def _change_digest(manifest: dict[str, Any]) -> None:
    manifest["files"][0]["sha256"] = "0" * 64


def _add_a_file(manifest: dict[str, Any]) -> None:
    manifest["files"].append({**manifest["files"][0], "name": "more"})


def _drop_a_file(manifest: dict[str, Any]) -> None:
    del manifest["files"][0]


def _add_a_field(manifest: dict[str, Any]) -> None:
    manifest["files"][0]["more"] = {}


def _change_head(manifest: dict[str, Any]) -> None:
    manifest["ledger_head"]["ledger_seq"] += 1


@pytest.mark.parametrize(
    ("change", "path", "valid"),
    [
        (_change_filter, "manifest/filters/a/b/1/c", True),
        (_change_digest, "manifest/files/0/sha256", True),
        (_add_a_file, "manifest/files/2", True),
        (_drop_a_file, "manifest/files/0/name", True),
        (_add_a_field, "manifest/files/0/more", False),
        (_change_head, "manifest/ledger_head/ledger_seq", True),
    ],
)
async def test_a_change_at_any_depth(
    proven: Proven, change: Change, path: str, valid: bool
) -> None:
    manifest = proven.manifest
    change(manifest)
    for body in ({"manifest": manifest}, {"manifest": manifest, "export_id": proven.export["id"]}):
        data = await proven.verify(**body)
        assert flags(data) == (valid, False, False)
        assert path in {mismatch["path"] for mismatch in data["mismatches"]}


async def test_a_changed_object(proven: Proven) -> None:
    stored = proven.api.settings.storage_dir / proven.evidence["storage_path"]
    stored.write_bytes(PNG + b"forged")
    data = await proven.verify(export_id=proven.export["id"])
    assert flags(data) == (True, False, True)
    reasons = {file["name"]: file["reason"] for file in data["files"]}
    assert reasons == {
        f"evidence/{proven.evidence['id']}.png": "object_differs",
        "ledger.json": None,
    }
    stored.unlink()
    data = await proven.verify(manifest=proven.manifest)
    assert flags(data) == (True, False, True)
    stored.write_bytes(PNG)
    assert flags(await proven.verify(manifest=proven.manifest)) == (True, True, True)


async def test_a_broken_chain(proven: Proven) -> None:
    change = "UPDATE audit_logs SET actor_id = reverse(actor_id) WHERE ledger_seq = 1"
    await proven.backend.control("ALTER TABLE audit_logs DISABLE TRIGGER append_only")
    await proven.backend.control(change)
    assert flags(await proven.verify(export_id=proven.export["id"])) == (True, True, False)
    await proven.backend.control(change)
    assert flags(await proven.verify(export_id=proven.export["id"])) == (True, True, True)


async def test_an_export_that_is_not_ready(proven: Proven) -> None:
    export = await proven.member.request("ledger")
    await proven.member.http.post(f"/api/exports/{export['id']}/cancel")
    for body in (
        {"export_id": export["id"]},
        {"export_id": export["id"], "manifest": proven.manifest},
    ):
        assert flags(await proven.verify(**body)) == (False, False, False)


async def test_what_no_export_of_ones_own_is(proven: Proven) -> None:
    stranger = await proven.api.member()
    answers = []
    for export_id in (proven.export["id"], str(uuid4())):
        for extra in ({}, {"manifest": proven.manifest}):
            response = await stranger.http.post(
                "/api/verify/manifest", json={"export_id": export_id, **extra}
            )
            answers.append(
                (response.status_code, problem_code(response), response.json()["detail"])
            )
    assert set(answers) == {(404, "not_found", "There is no such export.")}
    absent = {**proven.manifest, "export_id": str(uuid4())}
    for manifest in (proven.manifest, absent):
        response = await stranger.http.post("/api/verify/manifest", json={"manifest": manifest})
        assert response.status_code == 200
        assert flags(response.json()["data"]) == (False, False, False)
    swapped = {**proven.manifest, "organization_id": stranger.organization.id}
    data = await proven.verify(manifest=swapped)
    assert flags(data) == (False, False, False)


@pytest.mark.parametrize(
    "body",
    [
        *("{}", '{"export_id": "x"}', '{"export_id": null}', '{"export_id": 1}', "[]", ""),
        *('{"manifest": []}', '{"manifest": null}', '{"manifest": {}, "export_id": "x"}'),
    ],
)
async def test_refused_bodies(member: Member, body: str) -> None:
    response = await member.http.post(
        "/api/verify/manifest", content=body, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, problem_code(response)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "manifest",
    [
        *("{}", '{"export_id": 1}', '{"export_id": "\\u0000"}', '{"n": 1' + "0" * 400 + "}"),
        *('{"files": {"a": [[[1]]]}}', '{"export_id": null, "x": 1e-400}'),
    ],
)
async def test_objects_that_are_no_manifest(proven: Proven, manifest: str) -> None:
    for also in ("", f', "export_id": "{proven.export["id"]}"'):
        response = await proven.member.http.post(
            "/api/verify/manifest",
            content=f'{{"manifest": {manifest}{also}}}',
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 200, response.text
        assert flags(response.json()["data"]) == (False, False, False)
