"""What holds for every route."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from reference_backend.api.routes import PUBLIC, Route, all_routes
from tests.reference_backend.api import wire
from tests.reference_backend.api.conftest import Api, Member, problem_code

pytestmark = pytest.mark.integration
ROUTES = all_routes()


def path_of(template: str) -> str:
    return re.sub(r"{export_type}", "ledger", re.sub(r"{\w+_id}", str(uuid4()), template))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
async def test_a_wrong_method_is_told_the_right_ones(member: Member, route: Route) -> None:
    path = path_of(route.path)
    right = {other.method for other in ROUTES if path_of(other.path)[:9] == path[:9]}
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"):
        response = await member.http.request(method, path)
        assert response.status_code == 405, (method, path, right)
        assert problem_code(response) == "method_not_allowed"
        assert route.method in response.headers["allow"].split(", ")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
async def test_no_token_no_answer(api: Api, route: Route) -> None:
    client = api.organization().client()
    del client.headers["Authorization"]
    response = await client.request(route.method, path_of(route.path))
    if route.access is PUBLIC:
        assert response.status_code == 200
    else:
        assert response.status_code == 401
        assert problem_code(response) == "invalid_token"
        assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["x-request-id"]


async def test_unknown_paths(member: Member) -> None:
    for path in ("/", "/api", "/api/nothing", "/api/jobs/", "/api/jobs/%00", "/api/jobs/x/y/z"):
        response = await member.http.get(path)
        assert (response.status_code, problem_code(response)) == (404, "not_found")


@pytest.mark.parametrize("sane", ["a", "req-1.2:3_x", "A" * 128])
async def test_a_sane_request_id_is_echoed(api: Api, sane: str) -> None:
    client = api.organization().client()
    for path in ("/livez", "/api/jobs", "/nothing"):
        response = await client.get(path, headers={"X-Request-ID": sane})
        assert response.headers["x-request-id"] == sane


@pytest.mark.parametrize("insane", ["", "a b", "A" * 129, "é", "<script>", "a,b"])
async def test_another_request_id_is_replaced(api: Api, insane: str) -> None:
    client = api.organization().client()
    response = await client.get("/livez", headers={b"X-Request-ID": insane.encode()})
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-request-id"])


async def test_what_is_not_http_gets_a_problem_as_well(api: Api) -> None:
    for request in (
        b"NONSENSE\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n",
        wire.head("GET", "/livez", {"X-Long": "x" * 20_000}),
    ):
        async with wire.connected(api.base_url) as connection:
            await connection.send(request)
            answer = await connection.answer()
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"]


async def test_unknown_query_parameters_and_nuls_do_no_harm(member: Member) -> None:
    for path in ("/api/jobs", f"/api/jobs/{member.job_id}", "/api/ledger/events", "/livez"):
        for query in ("?x=1", "?%00=%00", "?a=%ff%fe", "?" + "&".join(["x[]=1"] * 100)):
            assert (await member.http.get(path + query)).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"title": "x"}', "application/json", 201),
        (b'{"title": "x", "organization_id": "y", "extra": [1]}', "application/json", 201),
        (b'{"title": "x"}', "application/json; charset=utf-8", 201),
        (b'{"title": "x"}', "text/plain", 415),
        (b'{"title": "x"}', "", 415),
        (b'{"title": "x"}', "application/json;;;=", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"title": ""}', "application/json", 400),
        (b'{"title": 1}', "application/json", 400),
        (b'{"title": null}', "application/json", 400),
        (b'{"title": "x", "title": "y"}', "application/json", 400),
        (b'{"title": "x", "n": NaN}', "application/json", 400),
        (b'{"title": "x", "n": 1e999}', "application/json", 400),
        (b'{"title": "x", "n": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"title": "nul \\u0000"}', "application/json", 400),
        (b'{"title": "lone \\ud800"}', "application/json", 400),
        (b'{"title": "\xff"}', "application/json", 400),
        (b'\xef\xbb\xbf{"title": "x"}', "application/json", 400),
        (b'{"title": "' + b"x" * 200 + b'"}', "application/json", 201),
        (b'{"title": "' + b"x" * 201 + b'"}', "application/json", 400),
        (b'{"title": "x", "deep": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 400),
        (b'{"title": "x", "deep": ' + b"[" * 70 + b"]" * 70 + b"}", "application/json", 400),
        (b'{"title": "x", "big": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
async def test_json_bodies(member: Member, content: bytes, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await member.http.post("/api/jobs", content=content, headers=headers)
    assert response.status_code == status, response.text
    if status >= 400:
        problem_code(response)


async def test_a_compressed_body_is_refused(member: Member) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = await member.http.post("/api/jobs", content=b"\x1f\x8b", headers=headers)
    assert (response.status_code, problem_code(response)) == (415, "unsupported_type")


async def test_a_body_that_is_cut_into_chunks_is_bounded_too(member: Member) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    headers = {"Content-Type": "application/json"}
    response = await member.http.post("/api/jobs", content=pieces(), headers=headers)
    assert (response.status_code, problem_code(response)) == (413, "too_large")


async def test_viewers_look_and_change_nothing(api: Api) -> None:
    member = await api.member()
    viewer = member.organization.client("viewer")
    assert (await viewer.get("/api/jobs")).status_code == 200
    for path in (
        "/api/jobs",
        f"/api/jobs/{member.job_id}/evidence/upload",
        f"/api/jobs/{member.job_id}/export/ledger",
        f"/api/exports/{uuid4()}/cancel",
        f"/api/exports/{uuid4()}/retry",
    ):
        response = await viewer.post(path, json={"title": "x"})
        assert (response.status_code, problem_code(response)) == (403, "forbidden")
    response = await viewer.post("/api/verify/manifest", json={"manifest": {}})
    assert response.status_code == 200


async def test_requests_one_after_the_other_on_one_connection(api: Api, member: Member) -> None:
    token = member.organization.token()
    request = wire.head("GET", "/api/jobs", {"Authorization": f"Bearer {token}"})
    async with wire.connected(api.base_url) as connection:
        await connection.send(request + wire.head("PUT", "/api/jobs", {}) + request)
        assert [(await connection.answer()).status for _ in range(3)] == [200, 405, 200]
