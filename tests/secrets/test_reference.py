"""The gate on a chatty backend, as processes: nothing that it was told gets out."""

from pathlib import Path

import pytest

from harness.target.load import DEFAULT_TARGET

from .conftest import KEY, Finished, Place
from .search import Search

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SALT = "marked-salt/and+more=9d41"
VARIABLE = 'marked variable & "more" 77c2'

CHECKS = """
import os
from pathlib import Path

from harness.check import check


def keep(*secrets):
    with Path(os.environ["KEPT_BY_THE_TEST"]).open("a") as file:
        file.writelines(f"{secret}\\n" for secret in secrets)


@check("own.tells-all", "It tells all it knows", checklist="Own", observes=1)
async def check_tells_all(org, target, system, history, cover, fresh_system):
    key = target.tokens.mint.secret.get_secret_value()
    urls = [system.database_url, system.readonly_url, system.control_url]
    keep(*(url.split(":")[2].partition("@")[0] for url in urls))
    keep(*org.tokens.values())
    print("printed", key, urls, org.tokens)
    cover("secrets", url=urls[0], token=org.tokens["member"])
    history.write("info", "told", process="own", job=org.tokens["owner"], error=f"{key} {urls[1]}")
    everything = {"padding": "x" * 150, "key": key, "urls": urls, "tokens": org.tokens}
    answer = await org.client.call("getManifest", path={"export_id": "none"})
    raise RuntimeError(f"{everything} {answer.describe()}")


@check("own.asserts", "It asserts", checklist="Own", observes=1)
async def check_asserts(org, target):
    assert target.tokens.mint.secret.get_secret_value() == org.tokens["member"]
"""

ONLY = (
    "own.*,golden.*,manifest.stored,contract.problem-details,tenancy.tokens,tenancy.privileges,"
    "load.exactly-once,chaos.worker-kill,upload.malformed-multipart"
)


FEWER = "own.*,golden.export-download,contract.problem-details,tenancy.tokens"
"""What pytest's own ways of writing are tried with."""


def toml(text: str) -> str:
    assert "'" not in text
    return f"'{text}'"


def target_file() -> str:
    """The shipped target with marked secrets, and the chatty backend in its place."""
    text = DEFAULT_TARGET.read_text(encoding="utf-8")
    chatty = str(Path(__file__).with_name("chatty_backend.py"))
    changes = {
        '"only-for-a-system-under-test-on-loopback-b64f1c"': toml(KEY),
        '"salt-of-a-ledger-under-test-9d41"': toml(SALT),
        '["{python}", "-m", "reference_backend", "api"]': f'["{{python}}", "{chatty}", "api"]',
        "instances = 3": "instances = 1",  # what is told does not depend on their number
        "[environment] #": '[environment] # "{env:…}"\nMARKED_SECRET = "{env:MARKED_SECRET}"\n#',
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def run(place: Place, *words: str, **environment: str) -> Finished:
    place.write("shakedown.toml", target_file().replace('"{env:…}"', ""))
    place.write("checks/check_own.py", CHECKS)
    fixed = ("run", "--target", "shakedown.toml", "--out", "out", "checks")
    return place.run_as_program(*fixed, *words, MARKED_SECRET=VARIABLE, **environment)


def test_prove_tells_nothing_either(place: Place) -> None:
    place.write("shakedown.toml", target_file().replace('"{env:…}"', ""))
    words = ("prove", "--target", "shakedown.toml", "--out", "out", "-n", "2")
    finished = place.run_as_program(*words, "traceback-in-detail", MARKED_SECRET=VARIABLE)
    assert finished.code == 1, finished.told  # a backend that talks so much is not clean
    secrets = [KEY, SALT, VARIABLE]
    assert not (found := finished.finds(Search(secrets))), "\n".join(map(str, found))
    assert b"traceback-in-detail" in finished.report()[Path("out/matrix.md")]
    assert any(b"chatty_backend" in words for words in finished.watch.arguments)


@pytest.mark.parametrize(
    ("words", "defect"),
    [
        (("--only", ONLY, "-n", "2"), "traceback-in-detail"),
        (
            ("--only", FEWER, "--", "--showlocals", "--junit-xml=out/own.xml", "-vv"),
            "token-in-download-link",
        ),
    ],
)
def test_nothing_that_the_backend_was_told_gets_out(
    place: Place, words: tuple[str, ...], defect: str
) -> None:
    finished = run(place, *words, REFERENCE_BACKEND_DEFECT=defect)
    assert finished.code == 1, finished.told
    secrets = [KEY, SALT, VARIABLE, *place.kept()]
    assert len(secrets) == 9, secrets
    assert not (found := finished.finds(Search(secrets))), "\n".join(map(str, found))
    # It has been looked at something: what was hidden shows in every kind of file.
    report = finished.report()
    for name in ("results.json", "junit.xml", "history.jsonl", "coverage.md", "logs/api-1.log"):
        assert b"***" in report[Path("out") / name], name
    assert b"printed ***" in report[Path("out/checks/own.tells-all.log")]
    assert any(path.name == "journal.jsonl" for path in finished.watch.written)
    assert any(b"chatty_backend" in words for words in finished.watch.arguments)
    assert any(b"postgres" in words for words in finished.watch.arguments)
