"""The API behind a real port, on a real database: one for all tests that do not break it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database, drop_database
from reference_backend import database
from reference_backend.api import application
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage
from reference_backend.worker.loop import Worker
from tests.reference_backend.conftest import OWNER, Backend, settings_for

PNG = b"\x89PNG\r\n\x1a\n"
MiB = 1024 * 1024


def problem_code(response: httpx.Response) -> str:
    """The code of a problem answer, whose form is checked on the way."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    required = {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable"}
    assert required <= body.keys() <= {*required, "errors"}
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["instance"] == response.request.url.path
    return str(body["code"])


@dataclass
class Organization:
    """A tenant of the API under test, with a client for each role."""

    base_url: str
    settings: Settings
    id: str = field(default_factory=lambda: str(uuid4()))
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def token(self, role: str = "member", **changes: object) -> str:
        claims = {
            "sub": f"user-of-{self.id}",
            "role": "authenticated",
            "aud": "authenticated",
            "exp": int(time.time()) + 600,
            "app_metadata": {"organization_id": self.id, "role": role},
            **changes,
        }
        return jwt.encode(claims, self.settings.jwt_secret, algorithm="HS256")

    def client(self, role: str = "member") -> httpx.AsyncClient:
        made = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {self.token(role)}"},
            timeout=20,
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP; reading all CA certificates takes 40 ms
        )
        self.clients.append(made)
        return made


@dataclass
class Member:
    """What most tests need: a member of an organization that has a job."""

    organization: Organization
    http: httpx.AsyncClient
    job_id: str

    async def upload(
        self,
        content: bytes = PNG,
        *,
        key: str | None = None,
        name: str = "a.png",
        mime_type: str = "image/png",
        job_id: str | None = None,
        **form: str,
    ) -> httpx.Response:
        return await self.http.post(
            f"/api/jobs/{job_id or self.job_id}/evidence/upload",
            files={"file": (name, content, mime_type)},
            data=form,
            headers={"Idempotency-Key": key or str(uuid4())},
        )

    async def sealed(self, content: bytes = PNG, **options: str) -> dict[str, Any]:
        response = await self.upload(content, **options)
        assert response.status_code == 201, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    async def request(self, export_type: str = "proof-pack", **body: object) -> dict[str, Any]:
        response = await self.http.post(f"/api/jobs/{self.job_id}/export/{export_type}", json=body)
        assert response.status_code == 202, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    async def ledger(self) -> list[dict[str, Any]]:
        response = await self.http.get("/api/ledger/events", params={"limit": 100})
        events: list[dict[str, Any]] = response.json()["data"]
        return events

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        response = await self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


@dataclass
class Api:
    """An API under test."""

    base_url: str
    settings: Settings
    storage: Storage
    organizations: list[Organization] = field(default_factory=list)

    def organization(self) -> Organization:
        made = Organization(self.base_url, self.settings)
        self.organizations.append(made)
        return made

    async def member(self) -> Member:
        organization = self.organization()
        http = organization.client()
        response = await http.post("/api/jobs", json={"title": "a job"})
        assert response.status_code == 201, response.text
        return Member(organization, http, response.json()["data"]["id"])

    def objects(self) -> set[str]:
        root = self.settings.storage_dir
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    async def close_clients(self) -> None:
        for organization in self.organizations:
            for client in organization.clients:
                await client.aclose()
            organization.clients.clear()


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Api]:
    storage = Storage(settings.storage_dir)
    storage.prepare()
    async with application.serving(settings, storage) as port:
        api = Api(f"http://127.0.0.1:{port}", settings, storage)
        yield api
        await api.close_clients()


@pytest_asyncio.fixture(scope="session")
async def shared_api(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """For tests that stay within organizations of their own."""
    await create_database(cluster.url("postgres"), "shared_api", template)
    settings = settings_for(
        cluster.url("shared_api", OWNER), storage_dir=tmp_path_factory.mktemp("storage")
    )
    async with serve(settings) as api:
        yield api


@pytest_asyncio.fixture
async def api(shared_api: Api) -> AsyncIterator[Api]:
    yield shared_api
    await shared_api.close_clients()


@pytest_asyncio.fixture
async def member(api: Api) -> Member:
    return await api.member()


@asynccontextmanager
async def database_of_its_own(
    cluster: Cluster, template: str, storage: Path
) -> AsyncIterator[Backend]:
    """As the fixture `backend`, for fixtures of a wider scope."""
    name = f"api_{uuid4().hex}"
    await create_database(cluster.url("postgres"), name, template)
    settings = settings_for(
        cluster.url(name, OWNER), storage_dir=storage, db_pool_size=4, db_timeout_s=3.0
    )
    async with database.create_pool(settings) as pool:
        yield Backend(
            cluster=cluster, name=name, url=settings.database_url, settings=settings, pool=pool
        )
    await drop_database(cluster.url("postgres"), name)


@pytest_asyncio.fixture
async def own_api(backend: Backend) -> AsyncIterator[Api]:
    """For tests that break its database or storage."""
    async with serve(replace(backend.settings, db_pool_size=4, db_timeout_s=3.0)) as api:
        yield api


@asynccontextmanager
async def worker_beside(api: Api) -> AsyncIterator[Worker]:
    """A worker on the API's database and storage, until the end of the block."""
    worker = Worker(replace(api.settings, poll_interval_s=0.05), api.storage)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running
