"""Exports as clients see them, from the request to the download."""

import asyncio
import base64
import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from tests.reference_backend.api.conftest import PNG, Api, Member, problem_code, worker_beside
from tests.reference_backend.conftest import Backend

pytestmark = pytest.mark.integration


async def until(member: Member, export_id: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            data: dict[str, Any] = (await member.get(f"/api/exports/{export_id}"))["data"]
            if data["state"] in states:
                return data
            await asyncio.sleep(0.02)


async def test_a_request_is_queued(member: Member) -> None:
    filters = {"tags": ["roof", None, 1.5, -3, True], "deep": {"er": {"st": {}}}, "": "ž"}
    response = await member.http.post(
        f"/api/jobs/{member.job_id}/export/proof-pack", json={"filters": filters, "other": 1}
    )
    data = response.json()["data"]
    assert response.status_code == 202
    assert response.headers["location"] == f"/api/exports/{data['id']}"
    assert response.headers["retry-after"] == "1"
    assert data == {
        "id": data["id"],
        "job_id": member.job_id,
        "organization_id": member.organization.id,
        "export_type": "proof-pack",
        "filters": filters,
        "state": "queued",
        "progress": 0,
        "attempt": 0,
        "queue_position": 1,
        "created_at": data["created_at"],
        "claimed_by": None,
        "heartbeat_at": None,
        "storage_path": None,
        "manifest": None,
        "manifest_hash": None,
        "error_code": None,
        "error_message": None,
        "started_at": None,
        "completed_at": None,
    }
    shown = await member.http.get(f"/api/exports/{data['id']}")
    assert (shown.json()["data"], shown.headers["retry-after"]) == (data, "1")
    assert (await member.get(f"/api/jobs/{member.job_id}/exports"))["data"] == [data]
    [event] = await member.ledger()
    assert (event["event_name"], event["target_id"]) == ("export.requested", data["id"])
    assert event["metadata"]["filters"] == filters


async def test_the_live_one_answers_for_its_kind(member: Member) -> None:
    first = await member.request()
    again = await member.http.post(f"/api/jobs/{member.job_id}/export/proof-pack", content=b"")
    assert (again.status_code, again.json()["data"]) == (200, first)
    assert again.headers["x-export-in-progress"] == "true"
    assert again.headers["location"] == f"/api/exports/{first['id']}"
    other = await member.request("ledger")
    assert (other["id"] != first["id"], other["queue_position"]) == (True, 2)


@pytest.mark.parametrize(
    "body",
    [
        '{"filters": []}',
        '{"filters": null}',
        '{"filters": "x"}',
        '{"filters": {"n": 9007199254740992}}',
        '{"filters": {"n": [{"m": -1e300}]}}',
        '{"filters": {"nul": "\\u0000"}}',
        '{"filters": {"nul\\u0000": 1}}',
        '{"filters": {"x": "\\udc00"}}',
        '{"filters": {"x": Infinity}}',
        '{"filters": {"x": 1, "x": 2}}',
        '{"filters": ' + '{"d":' * 40 + "1" + "}" * 40 + "}",
        "[]",
    ],
)
async def test_refused_filters(member: Member, body: str) -> None:
    response = await member.http.post(
        f"/api/jobs/{member.job_id}/export/ledger",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert (response.status_code, problem_code(response)) == (400, "invalid_request")
    assert await member.ledger() == []


@pytest.mark.parametrize("export_type", ["pdf", "Ledger", "proof_pack", "%00", "%F0%9F%98%80"])
async def test_unknown_types(member: Member, export_type: str) -> None:
    response = await member.http.post(f"/api/jobs/{member.job_id}/export/{export_type}", json={})
    assert (response.status_code, problem_code(response)) == (400, "invalid_request")


async def test_cancel(member: Member) -> None:
    export = await member.request()
    response = await member.http.post(f"/api/exports/{export['id']}/cancel")
    data = response.json()["data"]
    assert (response.status_code, data["state"]) == (202, "canceled")
    assert data["completed_at"]
    assert response.headers["location"] == f"/api/exports/{export['id']}"
    for path, code in (("cancel", "export_not_cancelable"), ("retry", "export_not_retryable")):
        response = await member.http.post(f"/api/exports/{export['id']}/{path}")
        assert (response.status_code, problem_code(response)) == (409, code)
    assert "retry-after" not in (await member.http.get(f"/api/exports/{export['id']}")).headers
    names = [event["event_name"] for event in await member.ledger()]
    assert names == ["export.requested", "export.canceled"]


async def test_what_is_not_ready_is_not_to_be_had(member: Member) -> None:
    export = await member.request()
    for path in ("download", "manifest"):
        response = await member.http.get(f"/api/exports/{export['id']}/{path}")
        assert (response.status_code, problem_code(response)) == (409, "export_not_ready")
        assert (response.headers["retry-after"], response.json()["retryable"]) == ("1", True)
    await member.http.post(f"/api/exports/{export['id']}/cancel")
    response = await member.http.get(f"/api/exports/{export['id']}/download")
    assert (response.status_code, response.json()["retryable"]) == (409, False)
    assert "retry-after" not in response.headers


async def test_a_failed_export_is_retried(own_api: Api, backend: Backend) -> None:
    member = await own_api.member()
    export = await member.request()
    [claim] = await backend.claim()
    assert (await until(member, export["id"], "preparing"))["claimed_by"] == "w"
    assert await backend.fail(claim)
    failed = await until(member, export["id"], "failed")
    assert (failed["error_code"], failed["error_message"]) == ("broken", "why")
    response = await member.http.post(f"/api/exports/{export['id']}/retry")
    data = response.json()["data"]
    assert (response.status_code, data["state"], data["error_code"]) == (202, "queued", None)
    assert response.headers["retry-after"] == "1"
    names = [event["event_name"] for event in await member.ledger()]
    assert names == ["export.requested", "export.failed", "export.requested"]


async def test_from_the_request_to_the_download(own_api: Api) -> None:
    member = await own_api.member()
    evidence = await member.sealed(PNG + b"proof")
    async with worker_beside(own_api):
        requested = await member.request(filters={"phase": "after"})
        export = await until(member, requested["id"], "ready", "failed")
    assert (export["state"], export["progress"], export["attempt"]) == ("ready", 100, 1)
    path = f"/api/exports/{export['id']}"

    response = await member.http.get(f"{path}/download")
    digest = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    assert response.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert response.headers["x-content-type-options"] == "nosniff"
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.read(f"evidence/{evidence['id']}.png") == PNG + b"proof"
    part = await member.http.get(f"{path}/download", headers={"Range": "bytes=2-9"})
    assert (part.status_code, part.content) == (206, response.content[2:10])

    manifest = await member.http.get(f"{path}/manifest")
    assert manifest.content == archive.read("manifest.json")
    assert hashlib.sha256(manifest.content).hexdigest() == export["manifest_hash"]
    assert (manifest.json(), manifest.headers["content-type"]) == (
        export["manifest"],
        "application/json",
    )
    assert json.loads(archive.read("ledger.json"))
    [completed] = [e for e in await member.ledger() if e["event_name"] == "export.completed"]
    assert completed["metadata"]["manifest_hash"] == export["manifest_hash"]
    again = await member.http.post(f"{path}/cancel")
    assert (again.status_code, problem_code(again)) == (409, "export_not_cancelable")
    assert (await member.request())["id"] != export["id"]
