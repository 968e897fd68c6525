"""A backend without getManifest has its manifest read from the ZIP."""

import io
import json
import zipfile
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

import harness.target
from contracts.shared.exports.stored_manifest import stored_manifest
from harness.client import AbsentOperation, Client
from harness.client.dialect import Dialect
from harness.client.http.transport import Transport
from harness.client.routes import contract_routes
from harness.errors import CheckFailed
from harness.target.contract.dialect import Contract
from tests.web_server import serving

EXPORT = "8f3c9c1e-0000-4000-8000-000000000001"
TEXT = json.dumps({"version": "1.0", "titel": "x"}).encode()


class Backend:
    """Has one export, and says which paths it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self.file = "manifest.json"

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.rpartition("/")[2])
        if request.path.endswith("/manifest"):
            return web.Response(body=TEXT, content_type="application/json")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr(self.file, TEXT)
        return web.Response(body=archive.getvalue(), content_type="application/zip")


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend = Backend()
    async with serving(backend.handle) as backend.url:
        yield backend


def client_of(backend: Backend, **said: object) -> Client:
    document = harness.target.load_target(None).contract.openapi
    contract = Contract.model_validate({"openapi": document, **said})
    routes = contract_routes(contract)
    transport = Transport([backend.url], None, Dialect.of(contract, routes))
    return Client(transport=transport, routes=routes, token=None)


async def test_it_is_asked_for_where_the_backend_has_the_operation(backend: Backend) -> None:
    client = client_of(backend)
    async with client.transport:
        assert (await stored_manifest(client, EXPORT)).sent.body == TEXT
    assert backend.asked == ["manifest"]


async def test_where_it_is_absent_the_same_bytes_are_in_the_zip(backend: Backend) -> None:
    fields = {"manifest": {"job_id": "/titel"}}
    client = client_of(backend, absent=("getManifest",), fields=fields)
    async with client.transport:
        answer = await stored_manifest(client, EXPORT)
        assert not client.has("getManifest")
        with pytest.raises(AbsentOperation, match=r"getManifest absent \(\[contract\] absent\)"):
            await client.call("getManifest", path={"export_id": EXPORT})
    assert backend.asked == ["download"]
    assert answer.sent.body == TEXT
    assert answer.document == {"version": "1.0", "job_id": "x"}


async def test_a_zip_without_it_fails_the_check(backend: Backend) -> None:
    backend.file = "manifest.txt"
    client = client_of(backend, absent=("getManifest",))
    async with client.transport:
        with pytest.raises(CheckFailed, match=r"expected manifest\.json in /api/exports/"):
            await stored_manifest(client, EXPORT)
