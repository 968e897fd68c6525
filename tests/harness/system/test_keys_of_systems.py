"""One key pair for all of a run: its systems, its other processes; served as long as it lasts."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import jwt
import pytest

from harness.client.tokens.tokens import mint, recipe_of
from harness.errors import Misconfigured
from harness.instances.plan import Driver
from harness.machine.journal import Journal
from harness.recovery.recover import recover
from harness.system import System, launch, launch_sibling

from .conftest import SECRET, MakeTarget
from .test_control import KILLED
from .test_launch import ask

pytestmark = pytest.mark.integration

_KEYS = """\
[api.environment]
KEYS_URL = "{jwks_url}"
KEYS_FILE = "{jwks_file}"
KEY = "{jwt_public_key}"
"""
_WITH_KEYS = (
    (f'secret = "{SECRET}"', 'algorithm = "ES256"'),
    ("[api.environment]\n", _KEYS),
    ("instances = 2", "instances = 1"),
)


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - ours
        text: str = answer.read().decode()
    return text


def read(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


async def environment(system: System) -> dict[str, str]:
    (only,) = system.api
    found: dict[str, str] = (await ask(only))["environment"]
    return found


async def test_all_systems_and_processes_of_a_run_have_the_same_keys(
    make_target: MakeTarget, journal: Journal
) -> None:
    target = make_target(*_WITH_KEYS)
    system = await launch(target, journal=journal)
    try:
        given = await environment(system)
        keys = fetched(given["KEYS_URL"])
        assert read(given["KEYS_FILE"]) == keys
        token = mint(recipe_of(system.target), user="u-1", organization="o", role="owner")
        assert jwt.decode(token, given["KEY"], algorithms=["ES256"])["sub"] == "u-1"
        assert system.target.signing_key
        assert system.target.signing_key.private_pem in system.secrets

        elsewhere = System.attach(system.describe())  # as another process of the run does
        assert elsewhere.target.signing_key
        assert elsewhere.target.signing_key.private_pem == system.target.signing_key.private_pem
        sibling = await launch_sibling(elsewhere, api_instances=1, workers=0)
        again = await environment(sibling)
        assert {name: again[name] for name in again if name.startswith("KEY")} == {
            name: given[name] for name in given if name.startswith("KEY")
        }
        await elsewhere.close()
        await sibling.close()
        assert fetched(given["KEYS_URL"]) == keys
    finally:
        await system.close()
    with pytest.raises(OSError):
        fetched(given["KEYS_URL"])


async def test_where_instances_cannot_reach_us_a_url_is_refused_and_nothing_is_left(
    make_target: MakeTarget, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Driver, "harness_host", None)
    with pytest.raises(Misconfigured, match="give the backend its keys by"):
        await launch(make_target(*_WITH_KEYS), journal=journal)


def test_no_key_is_served_or_kept_once_the_harness_was_killed(
    make_target: MakeTarget, tmp_path: Path
) -> None:
    base = tmp_path / "runs"
    base.mkdir()
    target = make_target(*_WITH_KEYS)
    script = KILLED.replace(
        "await launch(load_target(Path(sys.argv[1])), journal=journal)",
        "system = await launch(load_target(Path(sys.argv[1])), journal=journal)\n"
        "    print(system.describe().jwks_url, flush=True)",
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", script, str(target.file), str(base)], stdout=subprocess.PIPE
    )
    try:
        assert harness.stdout
        with harness.stdout:
            url, run_id = (harness.stdout.readline().decode().strip() for _ in range(2))
        assert "keys" in fetched(url)
        run_dir = base / f"shakedown-{run_id}"
        assert (run_dir / "token-key.pem").exists()
    finally:
        harness.kill()
        harness.wait()
    with pytest.raises(OSError):
        fetched(url)  # at once: it was a thread of that process
    assert recover([base]).problems == ()
    assert not run_dir.exists()
