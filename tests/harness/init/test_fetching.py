"""Documents from files, URLs and the usual places of a backend."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from harness.errors import Misconfigured
from harness.init.fetching import USUAL_PLACES, fetch, find, read_file
from harness.init.routes import routes_of
from tests.web_server import serving

DOCUMENT = {"openapi": "3.0.0", "info": {"title": "t"}, "paths": {"/x": {"get": {}}}}


def silent(_line: str) -> None:
    """Say nothing."""


async def test_the_usual_places_are_asked_until_one_has_a_document() -> None:
    asked = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/openapi.json":
            return web.Response(text="<html>a page for every path</html>")
        if request.path == "/api-docs":
            return web.json_response(DOCUMENT)
        raise web.HTTPNotFound

    async with serving(handle) as url:
        found = await find(url, silent)
    assert found is not None
    assert found.path == "/api-docs"
    assert asked == list(USUAL_PLACES[: USUAL_PLACES.index("/api-docs") + 1])


async def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise AssertionError(request.path)

    async with serving(elsewhere) as other:

        async def handle(request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"{other}{request.path}")

        async with serving(handle) as url:
            assert await find(url, silent) is None
            with pytest.raises(Misconfigured, match="expected status 200, got 302"):
                await fetch(f"{url}/openapi.json")


async def test_a_backend_that_is_not_there(unused_tcp_port: int) -> None:
    with pytest.raises(Misconfigured, match="no answer"):
        await find(f"http://127.0.0.1:{unused_tcp_port}", silent)


@pytest.mark.parametrize("url", ["http://user:secret@host/x", "ftp://host/x", "host"])
async def test_a_url_that_is_none_is_refused_without_asking(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        await fetch(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[", "neither JSON nor YAML"),
        ("a: 1", "not an OpenAPI document"),
        ('{"openapi": "3.1.0"}', "describes no routes"),
        (json.dumps(DOCUMENT), ""),
    ],
)
def test_files(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(text)
    if wrong:
        with pytest.raises(Misconfigured, match=wrong):
            read_file(file)
    else:
        assert read_file(file).document.root == DOCUMENT


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot read"):
        read_file(tmp_path / "nowhere.json")


def test_a_document_of_several_files_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text("get: {operationId: listCases, responses: {}}")
    file = tmp_path / "openapi.yaml"
    file.write_text("openapi: 3.1.0\npaths:\n  /cases:\n    $ref: ./cases.yaml\n")
    (route,) = routes_of(read_file(file).document)
    assert route.operation_id == "listCases"
