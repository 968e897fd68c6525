"""Uploads that are refused: with which answer, how early, and that nothing is left of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
import pytest_asyncio

from reference_backend.api import bodies
from reference_backend.api.upload_form import FRAME_ALLOWANCE
from tests.reference_backend.api import wire
from tests.reference_backend.api.conftest import PNG, Api, Member, MiB, problem_code

pytestmark = pytest.mark.integration
LIMIT = 50 * MiB
FORM = "multipart/form-data; boundary=b"


@pytest_asyncio.fixture(autouse=True)
async def _nothing_is_left(api: Api, member: Member) -> AsyncIterator[None]:
    """Whatever a test of this file does: no record, no event, no object, no key."""
    before = api.objects()
    yield
    assert (await member.get(f"/api/jobs/{member.job_id}/evidence"))["data"] == []
    assert await member.ledger() == []
    async with asyncio.timeout(5):  # a broken connection is noticed a moment later
        while api.objects() != before:
            await asyncio.sleep(0.01)


async def post(member: Member, content: bytes, **headers: str) -> tuple[int, str]:
    sent = {"Content-Type": FORM, "Idempotency-Key": str(uuid4())}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    response = await member.http.post(
        f"/api/jobs/{member.job_id}/evidence/upload",
        content=content,
        headers={name: value for name, value in sent.items() if value},
    )
    return response.status_code, problem_code(response)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_missing"),
        ('""', "idempotency_key_invalid"),
        ('"unclosed', "idempotency_key_invalid"),
        ('"bad "quote"', "idempotency_key_invalid"),
        ("x" * 256, "idempotency_key_invalid"),
        ('"' + "x" * 256 + '"', "idempotency_key_invalid"),
        ("tab\there", "idempotency_key_invalid"),
    ],
)
async def test_keys(member: Member, key: str, code: str) -> None:
    assert await post(member, wire.form(PNG), Idempotency_Key=key) == (400, code)


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            "",
            "application/json",
            "text/plain",
            "multipart/form-data",
            "multipart/mixed; boundary=b",
        ),
        *("multipart/form-data; boundary=", "multipart/form-data; boundary=other"),
    ],
)
async def test_what_is_not_multipart(member: Member, content_type: str) -> None:
    refused = await post(member, wire.form(PNG), Content_Type=content_type)
    assert refused == (400, "malformed_multipart")


TAG = b'--b\r\nContent-Disposition: form-data; name="tag"\r\n\r\n'
BODY = wire.form(PNG)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_multipart"),
        (BODY[:-4], 400, "malformed_multipart"),
        (BODY[:60], 400, "malformed_multipart"),
        (BODY.replace(b"\r\n", b"\n"), 400, "malformed_multipart"),
        (b"--b--\r\n", 400, "file_missing"),
        (TAG + b"x\r\n--b--", 400, "file_missing"),
        (BODY.replace(b'name="file"', b'name="upload"'), 400, "file_missing"),
        (BODY.replace(b'; filename="a.png"', b""), 400, "file_missing"),
        (BODY.replace(b'filename="a.png"', b'filename=""'), 400, "file_missing"),
        (wire.form(b""), 400, "file_empty"),
        (BODY[:-7] + BODY, 400, "invalid_request"),
        (TAG + b"x\r\n" + TAG + b"y\r\n" + BODY, 400, "invalid_request"),
        (TAG + b"nul \0\r\n" + BODY, 400, "invalid_request"),
        (TAG + b"\xff\r\n" + BODY, 400, "invalid_request"),
        (TAG + b"x" * 201 + b"\r\n" + BODY, 400, "invalid_request"),
        (TAG + b"x" * 50_000 + b"\r\n" + BODY, 400, "invalid_request"),
        (TAG.replace(b"tag", b"captured_at") + b"\r\n" + BODY, 400, "invalid_request"),
        (TAG.replace(b"tag", b"captured_at") + b"soon\r\n" + BODY, 400, "invalid_request"),
        (BODY.replace(b"a.png", b"nul\0.png"), 400, "invalid_request"),
        (BODY.replace(b"a.png", b"bell\x07.png"), 400, "invalid_request"),
        (BODY.replace(b"a.png", b"x" * 256), 400, "invalid_request"),
        (BODY.replace(b"a.png", b"x" * 10_000), 400, "invalid_request"),
        (BODY.replace(b"a.png", b"x" * 40_000), 400, "malformed_multipart"),
        (BODY.replace(b"image/png", b"text/html"), 415, "unsupported_type"),
        (BODY.replace(b"image/png", b"image/svg+xml"), 415, "unsupported_type"),
        (BODY.replace(b"image/png", b"application/octet-stream"), 415, "unsupported_type"),
        (BODY.replace(b"image/png", b"multipart/mixed; boundary=c"), 415, "unsupported_type"),
        (BODY.replace(b"Content-Type: image/png\r\n", b"X: y\r\n"), 415, "unsupported_type"),
        (BODY.replace(b"image/png", b"image/jpeg"), 422, "content_mismatch"),
        (wire.form(b"<html>"), 422, "content_mismatch"),
        (wire.form(PNG[:-1]), 422, "content_mismatch"),
    ],
)
async def test_bodies(member: Member, body: bytes, status: int, code: str) -> None:
    assert await post(member, body) == (status, code)


async def test_a_compressed_body(member: Member) -> None:
    refused = await post(member, wire.form(PNG), Content_Encoding="gzip")
    assert refused == (415, "unsupported_type")


async def test_another_job_than_ones_own(api: Api, member: Member) -> None:
    foreign = (await api.member()).job_id
    answers = []
    for job_id in (foreign, str(uuid4()), "no-id"):
        response = await member.upload(job_id=job_id)
        answers.append((response.status_code, problem_code(response), response.json()["detail"]))
    assert set(answers) == {(404, "not_found", "There is no such job.")}


def upload_headers(member: Member, **headers: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {member.organization.token()}",
        "Content-Type": FORM,
        "Idempotency-Key": str(uuid4()),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }


def upload_path(member: Member) -> str:
    return f"/api/jobs/{member.job_id}/evidence/upload"


async def test_a_declared_size_over_the_limit_is_refused_unread(api: Api, member: Member) -> None:
    headers = upload_headers(member, Content_Length=str(LIMIT + FRAME_ALLOWANCE + 1))
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers))
        answer = await connection.answer()
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


async def test_a_stream_is_refused_where_it_crosses_the_limit(api: Api, member: Member) -> None:
    headers = upload_headers(member, Transfer_Encoding="chunked")
    sent = 0
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers))
        await connection.send(wire.chunked(wire.form(PNG)[: -len(b"\r\n--b--\r\n")]))
        answering = asyncio.create_task(connection.answer())
        while not answering.done() and sent < 2 * LIMIT:
            await connection.send(wire.chunked(bytes(MiB)))
            sent += MiB
        assert (await answering).status == 413
    assert LIMIT <= sent < LIMIT + 8 * MiB  # what socket buffers hold comes on top


async def test_a_frame_that_never_gets_to_the_point_is_bounded_as_well(
    api: Api, member: Member
) -> None:
    headers = upload_headers(member, Transfer_Encoding="chunked")
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers))
        answering = asyncio.create_task(connection.answer())
        sent = 0
        while not answering.done() and sent < 2 * LIMIT:
            await connection.send(wire.chunked(bytes(MiB)))
            sent += MiB
        assert (await answering).status == 413


async def test_a_wrong_type_is_refused_before_the_file_is_sent(api: Api, member: Member) -> None:
    headers = upload_headers(member, Content_Length=str(40 * MiB))
    begin = wire.form(b"", mime_type="text/html")[: -len(b"\r\n--b--\r\n")]
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers) + begin)
        assert (await connection.answer()).status == 415


async def test_wrong_content_is_refused_when_its_head_is_there(api: Api, member: Member) -> None:
    headers = upload_headers(member, Content_Length=str(40 * MiB))
    begin = wire.form(b"<html>" * 2000)[: -len(b"\r\n--b--\r\n")]
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers) + begin)
        assert (await connection.answer()).status == 422


@pytest.mark.parametrize(
    "cut", [lambda body: body[:40], lambda body: body[: len(body) // 2], lambda body: body[:-1]]
)
async def test_a_connection_that_breaks(
    api: Api, member: Member, cut: Callable[[bytes], bytes]
) -> None:
    body = wire.form(PNG + bytes(3 * MiB))
    headers = upload_headers(member, Content_Length=str(len(body)), Expect="100-continue")
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers))
        await connection.asked_for_the_body()
        await connection.send(cut(body))


@pytest.mark.parametrize("broken", [b"zz\r\n", b"-1\r\n", b"5\r\nabc"])
async def test_a_transfer_encoding_that_breaks(api: Api, member: Member, broken: bytes) -> None:
    headers = upload_headers(member, Transfer_Encoding="chunked")
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers))
        await connection.send(wire.chunked(wire.form(PNG)[:-4]) + broken + b"\r\n\r\n")
        assert (await connection.answer()).status == 400


async def test_the_failures_are_counted(api: Api, member: Member) -> None:
    async def counted() -> dict[str, float]:
        text = (await member.http.get("/metrics")).text
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines if "upload_failures_total" in name}

    before = await counted()
    await post(member, b"")
    await post(member, wire.form(PNG + bytes(LIMIT)))
    after = await counted()
    gained = {name.split('"')[1]: after[name] - before[name] for name in after}
    assert gained == {"quota": 1, "validation": 1, "network": 0}


async def test_a_body_that_stops_coming_is_given_up(
    api: Api, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "IDLE_S", 0.2)
    headers = upload_headers(member, Content_Length="1000")
    async with wire.connected(api.base_url) as connection:
        await connection.send(wire.head("POST", upload_path(member), headers) + wire.form(PNG)[:50])
        answer = await connection.answer()
    assert answer.status == 400
    assert b"nothing was received for 0.2 seconds" in answer.body
