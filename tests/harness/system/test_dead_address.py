"""An address at which nothing listens is told at once, by the name under which it was given."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.machine.ports import free_port
from harness.recovery.healing import end_run
from harness.system import launch
from harness.target import load_target
from harness.target.environment import ONE_USER, TWO_TENANTS, environment_target
from tests.given_tokens import token_of
from tests.target_files import write
from tests.web_server import serving

BOUND_S = 6.0
"""A loaded machine's second or two; the time for a backend to get ready is twenty."""


@pytest.fixture
def journal() -> Iterator[Journal]:
    begun = Journal.begin()
    yield begun
    end_run(begun)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_variable(host: str, monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    for name in (*ONE_USER, *TWO_TENANTS):
        monkeypatch.delenv(name, raising=False)
    url = f"http://{host}:{free_port()}"
    for name, value in zip(ONE_USER, (url, token_of("one"), "job"), strict=True):
        monkeypatch.setenv(name, value)
    began = time.monotonic()
    with pytest.raises(Misconfigured, match=rf"^BACKEND_URL: expected a backend at {url}") as told:
        await launch(load_target(environment_target()), journal=journal)
    assert time.monotonic() - began < BOUND_S
    assert "refused" in str(told.value)


async def not_found(_: web.Request) -> web.Response:
    return web.json_response({"error": "not_found"}, status=404)


@pytest.mark.parametrize("by_variables", [True, False])
async def test_a_backend_without_the_path(
    by_variables: bool, monkeypatch: pytest.MonkeyPatch, journal: Journal, tmp_path: Path
) -> None:
    async with serving(not_found) as url:
        if by_variables:
            monkeypatch.setenv("BACKEND_URL", url)
            monkeypatch.setenv("JWT_TOKEN", token_of("one"))
            target = load_target(environment_target())
        else:
            text = f'name = "x"\ndriver = "external"\n[api]\nbase_urls = ["{url}"]\n'
            given = f'[tokens.given]\ntoken = "{token_of("one")}"\n'
            target = load_target(write(tmp_path, text + given))
        soon = target.model_copy(
            update={"api": target.api.model_copy(update={"ready_timeout_s": 0.3})}
        )
        with pytest.raises(Misconfigured) as caught:
            await launch(soon.loaded_from(target.origin), journal=journal)
    first, second = str(caught.value).splitlines()
    assert first.endswith('GET /readyz got: 404 {"error": "not_found"}')
    assert "ready_path" in second
    assert by_variables == ("shakedown init" in second)


async def test_a_file_that_gives_a_backend_time_to_start(tmp_path: Path, journal: Journal) -> None:
    file = tmp_path / "shakedown.toml"
    url = f"http://127.0.0.1:{free_port()}"
    file.write_text(
        f'name = "x"\ndriver = "external"\n[api]\nbase_urls = ["{url}"]\nready_timeout_s = 3\n'
        f'[tokens.given]\ntoken = "{token_of("one")}"\n[contract]\n'
        'openapi = "contracts/openapi.yaml"\n'
    )
    began = time.monotonic()
    with pytest.raises(Misconfigured, match=r"^api\.base_urls\.0: expected a backend"):
        await launch(load_target(file), journal=journal)
    assert time.monotonic() - began > 2.5
