"""What goes wrong in checks, in plugins and on the command line is told without secrets."""

from pathlib import Path

import pytest

from .conftest import KEY, Place
from .search import Search

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

STANDIN = Path(__file__).parents[1] / "harness" / "cli" / "standin.py"

TARGET = f"""
name = "standin"

[api]
command = ["{{python}}", "{STANDIN}", "{{host}}", "{{port}}"]
instances = 1
ready_timeout_s = 5

[api.environment]
SECRET = "{{jwt_secret}}"
BEHAVIOR = "BEHAVES"

[tokens.mint]
secret = '{KEY}'
claims = {{ sub = "{{user}}" }}
"""

CHECKS = """
import pytest

from harness.check import check
from harness.errors import CheckFailed, Inconclusive, Misconfigured


def declared(name):
    return check(f"own.{name}", name, checklist="Own", observes=1)


@declared("crashes")
async def check_crashes(target, org):
    key = target.tokens.mint.secret.get_secret_value()
    near = {"padding": "x" * 190, "key": key, "token": org.tokens["owner"]}
    lists = [[key, org.tokens["owner"]]] * 3
    words = (key + " ") * 40
    raw = ('{"padding": "' + "x" * 50 + f'", "token": "{org.tokens["owner"]}"' + "}").encode()
    raise ValueError(key, org.tokens)


@declared("fails")
async def check_fails(target, org):
    key = target.tokens.mint.secret.get_secret_value()
    raise CheckFailed(expected=key, came=org.tokens["owner"], detail=repr({key: key}))


@declared("compares")
async def check_compares(target, org):
    assert {"a": target.tokens.mint.secret.get_secret_value()} == {"a": org.tokens}


@declared("skips")
async def check_skips(target):
    pytest.skip(target.tokens.mint.secret.get_secret_value())


@declared("is-open")
async def check_is_open(target):
    raise Inconclusive(target.tokens.mint.secret.get_secret_value())


@declared("groups")
async def check_groups(target):
    key = target.tokens.mint.secret.get_secret_value()
    error = ValueError(key)
    error.add_note(key)
    raise ExceptionGroup(key, [error, CheckFailed(expected=key, came=key)]) from error


@pytest.fixture
async def broken(target, org):
    key = target.tokens.mint.secret.get_secret_value()
    yield key
    raise RuntimeError(f"{key} {org.tokens}")


@declared("ends-badly")
async def check_ends_badly(broken, observe):
    observe(what=broken)


@declared("begins-badly")
async def check_begins_badly(request, target):
    key = target.tokens.mint.secret.get_secret_value()
    request.getfixturevalue(key)
"""

HOOK = """
from harness.plugin.context import TARGET


def pytest_runtest_logreport(report):
    key = KEPT.tokens.mint.secret.get_secret_value()
    raise RuntimeError(f"in a hook: {key}")


def pytest_collection_finish(session):
    global KEPT
    KEPT = session.config.stash[TARGET]
"""


def prepare(place: Place, behaves: str = "") -> None:
    timeout = "_s = 2" if behaves else "_s = 5"
    text = TARGET.replace("BEHAVES", behaves).replace("_s = 5", timeout)
    place.write("shakedown.toml", text)
    place.write("checks/check_own.py", CHECKS)


RUN = ("run", "--target", "shakedown.toml", "--no-built-in", "--out", "out", "checks")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--", "-l", "-vvv", "--junit-xml=out/own.xml", "-o", "junit_logging=all"),
        ("-n", "2", "--", "--showlocals", "--tb=native", "--junit-xml=out/own.xml"),
        ("--allow-inconclusive", "own.skips,own.is-open,own.crashes", "--", "--tb=line"),
    ],
)
def test_errors_of_checks(place: Place, words: tuple[str, ...]) -> None:
    prepare(place)
    finished = place.run(*RUN, *words)
    assert finished.code == 1, finished.told
    search = Search([KEY, KEY[:12], KEY[-12:]])  # halves too: pytest shortens what it shows
    assert not (found := finished.finds(search)), "\n".join(map(str, found))
    assert "***" in finished.told
    assert b"***" in finished.report()[Path("out/checks/own.crashes.log")]


def test_an_error_in_a_plugin_of_the_team(place: Place) -> None:
    prepare(place)
    place.write("checks/conftest.py", HOOK)
    finished = place.run(*RUN)
    assert finished.code == 4, finished.told
    assert not (found := finished.finds(Search([KEY]))), "\n".join(map(str, found))
    assert b"in a hook: ***" in finished.report()[Path("out/internal-error.log")]


@pytest.mark.parametrize("behaves", ["dies", "never-ready"])
def test_a_backend_that_does_not_come_up(place: Place, behaves: str) -> None:
    prepare(place, behaves)
    finished = place.run(*RUN)
    assert finished.code == 3
    assert not (found := finished.finds(Search([KEY]))), "\n".join(map(str, found))
    assert "the secret is ***" in finished.told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (f"secret = ['{KEY}']", "tokens.mint.secret"),
        (f"secret = '{KEY}", "not TOML"),
        (f"secret = '{KEY}'\nsalt = '{KEY}'", "tokens.mint.salt"),
        (f"secret = '{KEY}'\nlifetime_s = -1\naudience = 7", "tokens.mint.lifetime_s"),
    ],
)
def test_a_target_file_with_mistakes(place: Place, wrong: str, told: str) -> None:
    prepare(place)
    place.write("shakedown.toml", TARGET.replace(f"secret = '{KEY}'", wrong))
    finished = place.run(*RUN)
    assert finished.code == 3
    assert told in finished.told
    assert not (found := finished.finds(Search([KEY]))), "\n".join(map(str, found))
