"""Cleaning up: only what the run made, only by calls that were declared, honest about the rest."""

import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from harness.client import Organizations
from harness.client.run_mark import RunMark, read_leftovers
from harness.target import Target, load_target
from tests.web_server import serving

TEXT = """\
name = "staging"
driver = "external"
[api]
base_urls = ["{url}"]
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = {{ sub = "{{user}}" }}
{cleanup}
"""

CALLS = """\
name = "staging"
driver = "external"
[api]
base_urls = ["{url}"]
[tokens.calls]
admin_token = "of-the-admin"
headers = {{ Authorization = "Bearer {{admin_token}}" }}
[tokens.calls.organization]
path = "/organizations"
gives = {{ organization = "/id" }}
[tokens.calls.user]
path = "/organizations/{{organization}}/users"
gives = {{ user = "/id", token = "/token" }}
[cleanup]
job = {{ path = "/api/jobs/{{job_id}}" }}
organization = {{ path = "/organizations/{{organization_id}}" }}
"""


class Backend:
    """Makes jobs and exports; deletes jobs but one; remembers who asked for what."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.agents: set[str] = set()
        self.titles: list[str] = []
        self.authorizations: list[str] = []
        self.url = ""
        self._ids = itertools.count(1)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.path}")
        self.agents.add(request.headers["user-agent"])
        assert request.headers["authorization"].startswith("Bearer ")
        self.authorizations.append(request.headers["authorization"])
        if request.method == "DELETE":
            return web.Response(status=403 if request.path.endswith("/1") else 204)
        if request.path == "/organizations":
            return web.json_response({"id": f"o{next(self._ids)}"}, status=201)
        if request.path.endswith("/users"):
            return web.json_response({"id": "u", "token": "of-the-user"}, status=201)
        if request.path.endswith("/cancel"):
            return web.Response(status=202)
        if request.path == "/api/jobs":
            self.titles.append((await request.json())["title"])
            return web.json_response({"data": {"id": str(next(self._ids))}}, status=201)
        job = request.path.split("/")[3]
        made = {"id": f"e{next(self._ids)}", "job_id": job}
        return web.json_response({"data": made}, status=202)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    async with serving(made.handle) as made.url:
        yield made


def target_at(url: str, folder: Path, cleanup: str) -> Target:
    file = folder / "shakedown.toml"
    file.write_text(TEXT.format(url=url, cleanup=cleanup), encoding="utf-8")
    return load_target(file)


async def test_an_organization_that_the_backend_made_is_removed_by_whoever_had_it_made(
    backend: Backend, tmp_path: Path
) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text(CALLS.format(url=backend.url), encoding="utf-8")
    target, created = load_target(file), tmp_path / "created.jsonl"
    mark = RunMark("7-abc", created, cleanup=True)
    async with Organizations.of(target, target.api.base_urls, mark) as organizations:
        org = await organizations.new("org")
        await org.new_job("First")
    assert backend.seen[-2:] == ["DELETE /api/jobs/2", "DELETE /organizations/o1"]
    assert backend.authorizations[-2:] == ["Bearer of-the-user", "Bearer of-the-admin"]
    remains = read_leftovers(created, "7-abc")
    assert (remains.made, remains.removed) == (2, 2)
    assert "of-the-admin" not in created.read_text(encoding="utf-8")


async def use(backend: Backend, folder: Path, declared: str, *, cleanup: bool) -> Path:
    target = target_at(backend.url, folder, declared)
    created = folder / "created.jsonl"
    mark = RunMark("7-abc", created, cleanup=cleanup)
    async with Organizations.of(target, target.api.base_urls, mark) as organizations:
        org = await organizations.new("org")
        first, second = await org.new_job("First"), await org.new_job("Second")
        await org.client.new_export(first["id"])
        await org.client.new_export(second["id"])
    return created


async def test_what_is_made_carries_the_run(backend: Backend, tmp_path: Path) -> None:
    created = await use(backend, tmp_path, "", cleanup=False)
    assert backend.titles == ["First [shakedown 7-abc]", "Second [shakedown 7-abc]"]
    (agent,) = backend.agents
    assert agent.startswith("shakedown/")
    assert agent.endswith(" run/7-abc")
    assert not any("DELETE" in each or "cancel" in each for each in backend.seen)
    assert len(read_leftovers(created, "7-abc").left) == 4


async def test_without_declared_calls_exports_are_canceled_and_the_rest_is_told(
    backend: Backend, tmp_path: Path
) -> None:
    created = await use(backend, tmp_path, "", cleanup=True)
    assert [each for each in backend.seen if "cancel" in each] == [
        "POST /api/exports/e3/cancel",
        "POST /api/exports/e4/cancel",
    ]
    remains = read_leftovers(created, "7-abc")
    assert remains.removed == 0
    assert "export e3: canceled; the target file has no [cleanup] export" in remains.left
    assert "job 1: the target file has no [cleanup] job" in remains.left


async def test_declared_calls_remove_and_a_refusal_is_told(
    backend: Backend, tmp_path: Path
) -> None:
    declared = '[cleanup]\njob = { path = "/api/jobs/{job_id}" }\n'
    created = await use(backend, tmp_path, declared, cleanup=True)
    deleted = [each for each in backend.seen if each.startswith("DELETE")]
    assert deleted == ["DELETE /api/jobs/1", "DELETE /api/jobs/2"]
    remains = read_leftovers(created, "7-abc")
    assert (remains.made, remains.removed) == (4, 1)
    assert "job 1: DELETE answered 403" in remains.left
    text = created.read_text(encoding="utf-8")
    assert all("Bearer" not in json.loads(line).values() for line in text.splitlines())
    assert "eyJ" not in text
