"""Uploads that are taken: what is answered, stored and recorded."""

import asyncio
import hashlib
from pathlib import Path
from uuid import uuid4

import pytest

from tests.reference_backend.api import wire
from tests.reference_backend.api.conftest import PNG, Api, Member, MiB, problem_code
from tests.reference_backend.api.test_evidence_types import SAMPLES

pytestmark = pytest.mark.integration
LIMIT = 50 * MiB


async def test_an_upload_is_sealed(api: Api, member: Member) -> None:
    response = await member.upload(
        PNG + b"roof", name="the roof.png", tag="roof", phase="after",
        captured_at="2031-05-07T11:30:00.25+02:00",
    )  # fmt: skip
    data = response.json()["data"]
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/evidence/{data['id']}"
    assert "x-idempotency-replayed" not in response.headers
    path = data["storage_path"]
    assert data == {
        "id": data["id"],
        "evidence_id": data["id"],
        "job_id": member.job_id,
        "organization_id": member.organization.id,
        "file_name": "the roof.png",
        "file_size": 12,
        "mime_type": "image/png",
        "file_sha256": hashlib.sha256(PNG + b"roof").hexdigest(),
        "state": "sealed",
        "storage_path": path,
        "tag": "roof",
        "phase": "after",
        "captured_at": "2031-05-07T09:30:00.250000Z",
        "created_at": data["created_at"],
        "ledger_event_id": data["ledger_event_id"],
    }
    assert (Path(api.settings.storage_dir) / path).read_bytes() == PNG + b"roof"
    assert (await member.get(f"/api/evidence/{data['id']}"))["data"] == data
    assert (await member.get(f"/api/jobs/{member.job_id}/evidence"))["data"] == [data]
    [event] = await member.ledger()
    assert (event["id"], event["event_name"]) == (data["ledger_event_id"], "evidence.sealed")
    assert event["target_id"] == data["id"]
    assert event["metadata"]["file_sha256"] == data["file_sha256"]


@pytest.mark.parametrize("mime_type", SAMPLES)
async def test_every_allowed_type(member: Member, mime_type: str) -> None:
    data = await member.sealed(SAMPLES[mime_type], mime_type=mime_type.upper())
    assert data["mime_type"] == mime_type
    response = await member.http.get(f"/api/evidence/{data['id']}/content")
    assert response.content == SAMPLES[mime_type]
    assert response.headers["content-type"] == mime_type


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "a\u202egnp.exe", "žluť ☂.png"),
        *("x" * 251 + ".png", "%2e%2e%2fx", "con.png", "-rf.png", ".png", "..", "a;b='c'.png"),
    ],
)
async def test_a_file_name_is_shown_and_never_a_path(api: Api, member: Member, name: str) -> None:
    content = PNG + name.encode()
    data = await member.sealed(content, name=name)
    assert data["file_name"] == name
    assert data["storage_path"] == (
        f"evidence/{member.organization.id}/{member.job_id}/{data['id']}.png"
    )
    assert data["storage_path"] in api.objects()
    response = await member.http.get(f"/api/evidence/{data['id']}/content")
    assert response.content == content
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert not set(disposition) & set("\\/\r\n\u202e")
    assert ".." not in disposition


async def test_the_exact_limit_and_one_byte_more(api: Api, member: Member) -> None:
    exact = PNG + bytes(LIMIT - len(PNG))
    data = await member.sealed(exact)
    assert data["file_size"] == LIMIT
    before = api.objects()
    response = await member.upload(exact + b"\0")
    assert (response.status_code, problem_code(response)) == (413, "too_large")
    assert api.objects() == before


async def test_the_order_of_the_fields_does_not_matter(api: Api, member: Member) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="tag"\r\n\r\nfirst\r\n'
        + wire.form(PNG)[: -len(b"--b--\r\n")]
        + b'--b\r\nContent-Disposition: form-data; name="phase"\r\n\r\n\r\n'
        + b'--b\r\nContent-Disposition: form-data; name="unknown"\r\n\r\n'
        + b"x" * 3000
        + b"\r\n--b--"
    )
    response = await member.http.post(
        f"/api/jobs/{member.job_id}/evidence/upload",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "k"},
    )
    assert response.status_code == 201, response.text
    assert (response.json()["data"]["tag"], response.json()["data"]["phase"]) == ("first", "")


async def test_same_bytes_again_are_the_same_record(api: Api, member: Member) -> None:
    first = await member.sealed(PNG + b"twice", tag="one")
    before = api.objects()
    response = await member.upload(PNG + b"twice", name="other.png", tag="two")
    assert (response.status_code, response.json()["data"]) == (200, first)
    assert response.headers["x-evidence-deduplicated"] == "true"
    assert response.headers["location"] == f"/api/evidence/{first['id']}"
    assert api.objects() == before
    assert len(await member.ledger()) == 1
    other_job = (await member.http.post("/api/jobs", json={"title": "x"})).json()["data"]["id"]
    assert (await member.upload(PNG + b"twice", job_id=other_job)).status_code == 201


async def test_twenty_at_once_with_the_same_bytes(api: Api, member: Member) -> None:
    content = PNG + b"racing"
    responses = await asyncio.gather(*(member.upload(content) for _ in range(20)))
    assert {r.status_code for r in responses} == {200, 201}
    assert len({r.json()["data"]["id"] for r in responses}) == 1
    assert sum(r.status_code == 201 for r in responses) == 1
    assert len(await member.ledger()) == 1
    assert len([p for p in api.objects() if member.job_id in p]) == 1


async def test_the_body_is_asked_for_only_when_its_headers_are_accepted(
    api: Api, member: Member
) -> None:
    body = wire.form(PNG + uuid4().bytes)
    headers = {
        "Authorization": f"Bearer {member.organization.token()}",
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(len(body)),
        "Expect": "100-continue",
    }
    path = f"/api/jobs/{member.job_id}/evidence/upload"
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", path, headers))
        assert (await connection.answer()).status == 400  # no key; not a byte was asked for
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", path, {**headers, "Idempotency-Key": "k"}))
        await connection.asked_for_the_body()
        await connection.send(body)
        assert (await connection.answer()).status == 201


async def test_a_chunked_upload(api: Api, member: Member) -> None:
    content = PNG + uuid4().bytes * 10_000
    headers = {
        "Authorization": f"Bearer {member.organization.token()}",
        "Content-Type": "multipart/form-data; boundary=b",
        "Transfer-Encoding": "chunked",
        "Idempotency-Key": "k",
    }
    path = f"/api/jobs/{member.job_id}/evidence/upload"
    body = wire.form(content)
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", path, headers))
        for start in range(0, len(body), 777):
            await connection.send(wire.chunked(body[start : start + 777]))
        await connection.send(b"0\r\n\r\n")
        answer = await connection.answer()
    assert answer.status == 201
    assert hashlib.sha256(content).hexdigest().encode() in answer.body
