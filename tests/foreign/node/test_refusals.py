"""What the foreign backend refuses, in its own error shape, and that it leaves nothing behind."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from .house import PDF, House, Member
from .probes_of_work import until

pytestmark = pytest.mark.integration

PNG_TYPE = "image/png"
OPENING = (
    b'--x\r\nContent-Disposition: form-data; name="document"; filename="a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n"
)


def code_of(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert error["correlationId"] == answer.headers["x-correlation-id"]
    return str(error["code"])


def without_id(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()["error"] | {"correlationId": None}


@pytest.mark.parametrize(
    ("content", "form", "status", "code"),
    [
        (b"", {}, 400, "EMPTY_DOCUMENT"),
        (b"MZ", {"type": "application/x-msdownload"}, 415, "TYPE_NOT_ALLOWED"),
        (PDF, {"type": PNG_TYPE}, 422, "CONTENT_MISMATCH"),
        (PDF, {"label": "a\0b"}, 400, "INVALID_REQUEST"),
        (PDF, {"takenAt": "yesterday"}, 400, "INVALID_REQUEST"),
        (PDF, {"takenAt": "2024-02-31T00:00:00Z"}, 400, "MALFORMED_REQUEST"),
        (PDF, {"key": "x" * 256}, 400, "INVALID_REQUEST"),
    ],
)
async def test_documents_that_are_refused_leave_nothing(
    house: House, content: bytes, form: dict[str, Any], status: int, code: str
) -> None:
    member = house.member()
    case = await member.open_case()
    answer = await member.file(case, content, **form)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert (await member.http.get(f"/v2/cases/{case}/documents")).json()["results"] == []
    assert (await member.http.get("/v2/audit")).json()["results"] == []
    assert not list(house.system.run_dir.rglob(f"documents/{member.tenant}/*"))
    await _nothing_stays_incoming(house)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Request-Key": ""}, b""),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data"}, b"--x--"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nno end"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            OPENING + b"%PDF-1.7 and then",
        ),
    ],
)
async def test_forms_that_are_none(house: House, headers: dict[str, str], body: bytes) -> None:
    member = house.member()
    case = await member.open_case()
    answer = await member.http.post(
        f"/v2/cases/{case}/documents",
        headers={"X-Request-Key": "k", **headers},
        content=body,
    )
    assert answer.status_code == 400, answer.text
    assert code_of(answer) in {"MALFORMED_REQUEST", "INVALID_REQUEST"}


async def test_the_size_limit_holds_with_and_without_a_length(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    limit = house.system.target.limits.max_upload_bytes
    head = {"X-Request-Key": "k", "Content-Type": "multipart/form-data; boundary=x"}

    async def too_long() -> AsyncIterator[bytes]:
        yield OPENING + b"%PDF-"
        for _ in range(limit // 65536 + 1):
            yield bytes(65536)

    answer = await member.http.post(f"/v2/cases/{case}/documents", headers=head, content=too_long())
    assert (answer.status_code, code_of(answer)) == (413, "TOO_LARGE")
    announced = await _head_alone(member, case, limit + 65537)
    assert announced.startswith(b"HTTP/1.1 413")
    exact = await member.file(case, PDF + bytes(limit - len(PDF)))
    assert exact.status_code == 201, exact.text
    assert (await member.http.get(f"/v2/documents/{exact.json()['result']['id']}")).is_success
    await _nothing_stays_incoming(house)


async def _nothing_stays_incoming(house: House) -> None:
    async def empty() -> bool:
        return not list(house.system.run_dir.rglob("incoming/*"))

    # A worker may be packing what another test asked for; a document left behind stays for an hour.
    await until("nothing is incoming any more", empty)


async def _head_alone(member: Member, case: str, length: int) -> bytes:
    url = member.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(
            f"POST /v2/cases/{case}/documents HTTP/1.1\r\nHost: x\r\nX-Request-Key: k\r\n"
            f"Authorization: {member.http.headers['authorization']}\r\nContent-Length: {length}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_what_is_foreign_is_absent(house: House) -> None:
    owner, stranger = house.member(), house.member()
    case = await owner.open_case()
    document = (await owner.file(case)).json()["result"]
    package = await owner.until((await owner.request(case))["id"], "done")
    entry = (await owner.http.get("/v2/audit")).json()["results"][0]
    nothing = str(uuid.uuid4())
    for method, path, own in (
        ("GET", "/v2/cases/{}", case),
        ("GET", "/v2/cases/{}/documents", case),
        ("GET", "/v2/cases/{}/packages", case),
        ("GET", "/v2/documents/{}", document["id"]),
        ("GET", "/v2/documents/{}/raw", document["id"]),
        ("GET", "/v2/packages/{}", package["id"]),
        ("GET", "/v2/packages/{}/archive", package["id"]),
        ("GET", "/v2/packages/{}/contents", package["id"]),
        ("DELETE", "/v2/packages/{}", package["id"]),
        ("POST", "/v2/packages/{}/again", package["id"]),
        ("GET", "/v2/audit/{}", entry["id"]),
        ("GET", "/v2/audit/{}/check", entry["id"]),
    ):
        asked = [
            await stranger.http.request(method, path.format(each))
            for each in (own, nothing, "no-id", "%00")
        ]
        assert {answer.status_code for answer in asked} == {404}, path
        assert all(without_id(answer) == without_id(asked[0]) for answer in asked), path
    assert (await stranger.file(case)).status_code == 404
    for path in ("/v2/cases", "/v2/audit"):
        assert (await stranger.http.get(path)).json() == {"results": [], "nextPage": None}


async def test_readers_read(house: House) -> None:
    writer = house.member()
    case = await writer.open_case()
    package = await writer.request(case)
    reader = house.member(writer.tenant, scope="reader")
    assert (await reader.http.get(f"/v2/cases/{case}")).is_success
    for answer in (
        await reader.http.post("/v2/cases", json={"name": "x"}),
        await reader.file(case),
        await reader.http.post(f"/v2/cases/{case}/packages", json={"kind": "trail"}),
        await reader.http.delete(f"/v2/packages/{package['id']}"),
        await reader.http.post(f"/v2/packages/{package['id']}/again"),
    ):
        assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")


async def test_tokens_that_open_nothing(house: House) -> None:
    member = house.member()
    now = int(time.time())
    recipe = house.recipe
    right = {"sub": "u", "tenant": member.tenant, "scope": "admin", "aud": recipe.audience}
    wrong = [
        jwt.encode(right | {"exp": now - 5}, recipe.secret, algorithm="HS256"),
        jwt.encode(right, recipe.secret, algorithm="HS256"),
        jwt.encode(right | {"exp": now + 60, "aud": "x"}, recipe.secret, algorithm="HS256"),
        jwt.encode(right | {"exp": now + 60}, recipe.secret + "x", algorithm="HS256"),
        jwt.encode(right | {"exp": now + 60}, recipe.secret * 2, algorithm="HS512"),
        jwt.encode(right | {"exp": now + 60}, "", algorithm="none"),
        "not.a.token",
    ]
    for token in wrong:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await member.http.get("/v2/cases", headers=headers)
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"].startswith("Bearer")
    nowhere = {name: value for name, value in right.items() if name != "tenant"}
    token = jwt.encode(nowhere | {"exp": now + 60}, recipe.secret, algorithm="HS256")
    answer = await member.http.get("/v2/cases", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")


async def test_junk_is_the_senders_fault(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    packages = f"/v2/cases/{case}/packages"
    deep = b'{"kind":"trail","filter":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
    for path, body in (
        ("/v2/cases", b"{"),
        ("/v2/cases", b"\xff\xfe"),
        ("/v2/cases", b"[]"),
        ("/v2/cases", b'{"name": 1}'),
        ("/v2/cases", b'{"name": "a\\u0000"}'),
        ("/v2/cases", b'{"name": "\\ud800"}'),
        (packages, b'{"kind": "constructor"}'),
        (packages, b'{"kind": "trail", "filter": []}'),
        (packages, b'{"kind": "trail", "filter": {"n": 1e999}}'),
        (packages, b'{"kind": "trail", "filter": {"n": 12345678901234567890}}'),
        (packages, deep),
        ("/v2/check/contents", b'{"packageId": 5}'),
        ("/v2/check/contents", b"{}"),
    ):
        answer = await member.http.post(
            path, content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, (path, body[:60], answer.text)
    assert (await member.http.post("/v2/cases", content=b"{}")).status_code == 415
    for query in ("size=0", "size=1e3", "after=%00", "after=eA", "after=cDk5OTk5OTk5OTk5OTk5OTk5"):
        assert (await member.http.get(f"/v2/cases?{query}")).status_code == 400, query
    assert (await member.http.get("/v2/cases?what=%00&%ff")).is_success
    assert (await member.http.get("/v2/%ff%fe")).status_code == 404
    wrong = await member.http.put("/v2/cases", json={})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, GET, HEAD")
    odd: dict[str, Any] = {"contents": {"files": [None, {"name": {}}], "export_id": "constructor"}}
    judged = await member.http.post("/v2/check/contents", json=odd)
    assert judged.json()["result"]["wellFormed"] is False


async def test_a_refusal_without_a_body_keeps_its_connection(house: House) -> None:
    member = house.member()
    answer = await member.http.get(f"/v2/cases/{uuid.uuid4()}")
    assert answer.status_code == 404
    assert answer.headers.get("connection") != "close"
