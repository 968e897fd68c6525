"""A backend and a database that run elsewhere, and repeat what they were told."""

from base64 import b64encode
from pathlib import Path

import pytest

from harness.target.environment import ENVIRONMENT_TARGETS
from tests.given_tokens import token_of

from .conftest import Place
from .gossip import gossip, indiscreet_postgres
from .search import Search

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PASSWORD = "marked/pass+word=41c7"
IN_A_URL = "marked%2Fpass%2Bword%3D41c7"


def environment(url: str) -> dict[str, str]:
    return {
        "BACKEND_URL": url,
        "JWT_TOKEN": token_of("one"),
        "JOB_ID": "8f3c9c1e-0000-4000-8000-000000000001",
        "JWT_ORG_A": token_of("A"),
        "JWT_ORG_B": token_of("B"),
        "JOB_ID_ORG_A": "8f3c9c1e-0000-4000-8000-00000000000a",
        "JOB_ID_ORG_B": "8f3c9c1e-0000-4000-8000-00000000000b",
    }


def searched(given: dict[str, str]) -> Search:
    """For the tokens, and the parts of them that no other token has."""
    tokens = [value for name, value in given.items() if name.startswith("JWT")]
    return Search([*tokens, *(part for one in tokens for part in one.split(".")[1:])])


def test_a_backend_that_repeats_the_token_in_every_coding(place: Place) -> None:
    with gossip() as url:
        given = environment(url)
        finished = place.run("run", "--out", "out", "-n", "2", **given)
    assert finished.code == 1, finished.told
    assert not (found := finished.finds(searched(given))), "\n".join(map(str, found))
    report = finished.report()
    for name in ("results.json", "junit.xml", "created.jsonl"):
        assert b"***" in report[Path("out") / name], name


def test_a_token_in_the_place_of_the_url(place: Place) -> None:
    given = environment("") | {"BACKEND_URL": token_of("one")}
    finished = place.run("run", "--out", "out", **given)
    assert finished.code == 3
    assert not finished.finds(searched(given))
    assert "***" in finished.told


def test_a_password_in_the_url_of_the_backend(place: Place) -> None:
    text = ENVIRONMENT_TARGETS[0].read_text(encoding="utf-8")
    place.write("quick.toml", text.replace("[api]", "[api]\nready_timeout_s = 1"))
    given = environment(f"http://me:{IN_A_URL}@127.0.0.1:9")
    finished = place.run("run", "--target", "quick.toml", "--out", "out", **given)
    assert finished.code == 3, finished.told
    secrets = [PASSWORD, IN_A_URL, b64encode(f"me:{PASSWORD}".encode()).decode()]
    assert not (found := finished.finds(Search(secrets))), "\n".join(map(str, found))


DSNS = pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{IN_A_URL}@127.0.0.1:{{port}}/db",
        f"host=127.0.0.1 port={{port}} user=me dbname=db password='{PASSWORD}'",
        f"postgresql://me:x@{PASSWORD}@127.0.0.1:{{port}}/db",
        f"postgresql://me:{IN_A_URL}@127.0.0.1:{{port}}/db?nonsense=1",
        f"postgresql:me:{PASSWORD}@127.0.0.1",
    ],
)


@DSNS
def test_the_password_of_a_database_that_refuses_it(place: Place, dsn: str) -> None:
    protocol = Path(__file__).parents[2] / "reference_backend" / "claim_protocol.toml"
    with indiscreet_postgres() as port:
        words = ("explore", "--protocol", str(protocol), "--out", "out")
        finished = place.run(*words, SHAKEDOWN_EXPLORE_DSN=dsn.format(port=port))
    assert finished.code in {2, 3}, finished.told
    search = Search([PASSWORD, IN_A_URL, PASSWORD.partition("/")[2]])
    assert not (found := finished.finds(search)), "\n".join(map(str, found))


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_password_of_a_database_that_the_gate_shall_read(place: Place, by: str) -> None:
    with gossip() as url, indiscreet_postgres() as port:
        dsn = f"postgresql://me:{IN_A_URL}@127.0.0.1:{port}/db"
        given = environment(url)
        words = ("--database-url", dsn) if by == "option" else ()
        variable = {} if by == "option" else {"SHAKEDOWN_DATABASE_URL": dsn}
        finished = place.run("run", "--out", "out", *words, **given, **variable)
    assert finished.code == 3, finished.told
    assert "no such password: ***" in finished.told
    search = Search([PASSWORD, IN_A_URL])
    if by == "option":
        finished.watch.arguments.clear()  # there it was put by whoever started the command
    assert not (found := finished.finds(search)), "\n".join(map(str, found))
