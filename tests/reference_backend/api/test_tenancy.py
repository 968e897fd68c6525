"""Foreign is absent: the answers are the same, whole, and nothing has changed afterwards."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from reference_backend.api.routes import Route, all_routes
from tests.reference_backend.api.conftest import PNG, Api, Member

pytestmark = pytest.mark.integration
WITH_AN_ID = [route for route in all_routes() if "_id}" in route.path]


@dataclass
class Owner:
    """An organization that has one of everything."""

    member: Member
    ids: dict[str, str]

    async def everything(self) -> list[object]:
        paths = ("/api/jobs", "/api/ledger/events", f"/api/jobs/{self.member.job_id}/exports")
        return [(await self.member.http.get(path)).json() for path in paths]


@pytest_asyncio.fixture
async def owner(api: Api) -> AsyncIterator[Owner]:
    member = await api.member()
    evidence = await member.sealed(key="their-key")
    export = await member.request()
    ids = {
        "job_id": member.job_id,
        "evidence_id": evidence["id"],
        "export_id": export["id"],
        "event_id": evidence["ledger_event_id"],
    }
    yield Owner(member, ids)


def fill(route: Route, ids: dict[str, str]) -> str:
    return route.path.format(export_type="proof-pack", **ids)


async def call(http: httpx.AsyncClient, route: Route, path: str) -> httpx.Response:
    if route.operation_id == "uploadEvidence":
        files = {"file": ("a.png", PNG, "image/png")}
        return await http.post(path, files=files, headers={"Idempotency-Key": "their-key"})
    return await http.request(route.method, path)


def shape(response: httpx.Response) -> object:
    body = response.json()
    for own in ("instance", "request_id"):
        assert isinstance(body.pop(own), str)
    headers = {k: v for k, v in response.headers.items() if k not in {"date", "x-request-id"}}
    headers.pop("content-length")  # the path is in the body, and malformed ids are shorter
    return response.status_code, headers, body


@pytest.mark.parametrize("route", WITH_AN_ID, ids=lambda route: route.operation_id)
@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
async def test_foreign_absent_and_malformed_are_one(
    api: Api, owner: Owner, route: Route, role: str
) -> None:
    before = await owner.everything()
    stranger = api.organization().client(role)
    absent = await call(stranger, route, fill(route, {name: str(uuid4()) for name in owner.ids}))
    foreign = await call(stranger, route, fill(route, owner.ids))
    malformed = await call(stranger, route, fill(route, dict.fromkeys(owner.ids, "no-id")))
    assert shape(foreign) == shape(absent) == shape(malformed)
    assert foreign.status_code == (403 if role == "viewer" and route.method == "POST" else 404)
    assert await owner.everything() == before


async def test_lists_hold_nothing_of_others(api: Api, owner: Owner) -> None:
    stranger = api.organization().client("owner")
    for path in ("/api/jobs", "/api/ledger/events"):
        assert (await stranger.get(path)).json() == {"data": [], "next_cursor": None}
    response = await stranger.get(f"/api/ledger/events?target_id={owner.ids['evidence_id']}")
    assert response.json() == {"data": [], "next_cursor": None}
    cursor = f"{0:016x}{owner.ids['job_id'].replace('-', '')}"
    assert (await stranger.get(f"/api/jobs?cursor={cursor}")).json()["data"] == []


async def test_alternating_tenants_share_connections_and_nothing_else(api: Api) -> None:
    members = [await api.member() for _ in range(3)]
    for _ in range(20):
        for member in members:
            page = await member.get("/api/jobs")
            assert [job["id"] for job in page["data"]] == [member.job_id]
