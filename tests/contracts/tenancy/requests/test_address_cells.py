"""What is found of signed addresses: a storage of a few lines, right and with a bug each."""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from contracts.tenancy.requests import address_cells
from contracts.tenancy.requests.address_cells import EXPIRES, SIGNED, RedirectedDownload
from harness.client import Client, Route, Routes, Transport
from harness.client.dialect import Dialect
from harness.plugin.cells import Cells
from harness.target.contract.dialect import Contract, Operation
from harness.target.contract.redirects import Redirects
from tests.web_server import serving

TOKEN = "header.claims.the-signature-of-a-token"
LASTS_S = 0.6
OBJECTS = {"own-evidence-1": b"mine", "other-evidence-2": b"another"}
ROUTES = Routes(
    {
        "getEvidenceContent": Route(
            operation_id="getEvidenceContent",
            method="GET",
            template="/api/evidence/{evidence_id}/content",
            may_be_file=True,
        )
    }
)
CONTRACT = Contract(
    operations={"getEvidenceContent": Operation(success=(302,))},
    redirects=Redirects(hosts=("127.0.0.1",), expires_s=LASTS_S),
)


class Storage:
    """Signs addresses as `bug` says, and opens them."""

    def __init__(self, bug: str) -> None:
        self.bug = bug

    async def handle(self, request: web.Request) -> web.Response:
        """Redirect as the API, or answer as the storage."""
        if request.path.startswith("/api/"):
            return self.redirect(request)
        content = OBJECTS.get(request.path.removeprefix("/storage/"))
        if content is None or not self.is_open(request):
            return web.Response(status=403)
        return web.Response(body=content)

    def redirect(self, request: web.Request) -> web.Response:
        path = f"/storage/{request.path.split('/')[3]}"
        lasts_s = LASTS_S + (4 if self.bug == "dated for longer" else 0)
        expires = str(int((time.time() + lasts_s) * 1000))
        more = f"&access_token={TOKEN}" if self.bug == "token in it" else ""
        life = "X-Amz-Expires=2&" if self.bug == "signed for longer" else ""
        location = f"{path}?{life}expires={expires}&sig={self.signature(path, expires)}{more}"
        return web.Response(status=302, headers={"Location": location})

    def signature(self, path: str, expires: str) -> str:
        parts = (
            "" if self.bug == "path unsigned" else path,
            "" if self.bug == "time unsigned" else expires,
        )
        return hashlib.sha256(f"a key {parts}".encode()).hexdigest()

    def is_open(self, request: web.Request) -> bool:
        if "authorization" in request.headers:
            return False
        if self.bug == "HEAD unsigned" and request.method == "HEAD":
            return True
        expires = request.query.get("expires", "0")
        if self.bug != "never ends" and time.time() * 1000 > int(expires):
            return False
        right = self.signature(request.path, expires)
        return self.bug == "unsigned" or request.query.get("sig") == right


@asynccontextmanager
async def looking_at(bug: str, tmp_path: Path) -> AsyncIterator[tuple[RedirectedDownload, Cells]]:
    cells = Cells(check_id="tenancy.signed-addresses", check_path=tmp_path)
    async with (
        serving(Storage(bug).handle) as url,
        Transport([url], dialect=Dialect.of(CONTRACT, ROUTES)) as transport,
    ):
        yield (
            RedirectedDownload(
                client=Client(transport=transport, routes=ROUTES, token=TOKEN),
                operation_id="getEvidenceContent",
                own={"evidence_id": "own-evidence-1"},
                other={"evidence_id": "other-evidence-2"},
                names_of_other=frozenset({"other-evidence-2"}),
                expires_s=LASTS_S,
                cells=cells,
                observe=lambda: None,
            ),
            cells,
        )


async def look(bug: str, tmp_path: Path) -> Cells:
    async with looking_at(bug, tmp_path) as (download, cells):
        redirect = await download.client.call(
            download.operation_id, path=download.own, follow=False
        )
        await download.look_at(redirect)
    return cells


@pytest.fixture(autouse=True)
def _no_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_cells, "SLACK_S", 0.5)


async def test_a_right_storage_has_no_findings(tmp_path: Path) -> None:
    cells = await look("", tmp_path)
    assert cells.findings == []
    assert cells.counts().looked_at == 5


@pytest.mark.parametrize(
    ("bug", "broken"),
    [
        ("token in it", {SIGNED}),
        ("path unsigned", {SIGNED}),
        ("HEAD unsigned", {SIGNED, EXPIRES}),
        ("unsigned", {SIGNED, EXPIRES}),
        ("time unsigned", {EXPIRES}),
        ("never ends", {EXPIRES}),
        ("signed for longer", {EXPIRES}),
        ("dated for longer", {EXPIRES}),
    ],
)
async def test_each_bug_breaks_its_rule(bug: str, broken: set[str], tmp_path: Path) -> None:
    cells = await look(bug, tmp_path)
    assert {finding.rule for finding in cells.findings} == broken
    assert all(TOKEN not in finding.got for finding in cells.findings)


@pytest.mark.parametrize("bug", ["signed for longer", "dated for longer"])
async def test_a_declared_life_that_is_seconds_too_short_is_told_by_the_address(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_cells, "SLACK_S", 60.0)
    (found,) = (await look(bug, tmp_path)).findings
    assert "as [contract.redirects] expires_s says" in found.expected
    assert "by its own words it works for" in found.got


async def test_a_life_that_is_too_long_to_wait_for_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_cells, "MOST_WAIT_S", 0.1)
    cells = await look("", tmp_path)
    ((reason, _),) = cells.counts().reasons
    assert "write that into [contract.redirects] expires_s" in reason
    assert cells.findings == []
