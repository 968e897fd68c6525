"""docs/first-evening.md as somebody does it: its commands, what they print, the lines it writes."""

import asyncio
import os
import re
import shlex
import shutil
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.postgres.cluster import Cluster
from harness.postgres.template import OBSERVER
from tests.foreign.fieldwork_house import API_KEY, House, house
from tests.warm import run_shakedown

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/first-evening.md").read_text(encoding="utf-8")
DOCUMENT = ROOT / "tests/foreign/fieldwork/openapi.json"
DEADLINE_S = 120
OURS = 'export_match = "/filesOk"'
"""The one line that is a decision: the doctor only says that `filesOk` is left."""


def steps() -> Iterator[tuple[str, str]]:
    """The blocks of the page, in its order: `console` or `toml`, and the text."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


async def test_the_page_leads_to_a_first_verdict(cluster: Cluster, tmp_path: Path) -> None:
    shutil.copy(DOCUMENT, tmp_path)
    async with house(cluster, WORKER_EVERY_S="0.2", SIGNED_URL_S="4") as backend:
        environment = _environment(cluster, backend)
        printed, verdicts = "", []
        for kind, text in steps():
            if kind == "toml":
                _write(tmp_path / "shakedown.toml", text, printed)
                continue
            command, _, expected = text.removeprefix("$ ").partition("\n")
            printed = await asyncio.to_thread(_run, command, tmp_path, environment)
            _expect_in_order(expected, printed)
            verdicts.append(printed)
    assert "PASS: 5 passed" in verdicts[-1]
    assert "Traceback" not in "".join(verdicts)
    assert len(verdicts) == 5, "init, doctor until every step holds, run"


def test_lines_that_the_doctor_did_not_say_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text("[contract]\nabsent = [\n]\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="nobody said"):
        _write(file, '[contract.archive]\nledger = "x.json"\n', "[contract.archive]")


def test_a_line_that_is_not_printed_fails() -> None:
    _expect_in_order("a … c\nd", "a b c\nx\nd\n")
    with pytest.raises(AssertionError, match="not printed"):
        _expect_in_order("d\na", "a\nd\n")


def _environment(cluster: Cluster, backend: House) -> dict[str, str]:
    name = backend.control_url.rpartition("/")[2]
    person = backend.person("admin")
    (user,) = backend.query("SELECT user_id FROM profiles WHERE org_id = %s", person.org)[0]
    return {
        **os.environ,
        "NO_COLOR": "1",
        "BACKEND_URL": str(backend.clients[0].base_url).rstrip("/"),
        "SHAKEDOWN_DATABASE_URL": cluster.url(name, OBSERVER),
        "JWT_TOKEN": backend.signer.token(str(user), exp=int(time.time()) + 7200),
        "LEDGER_SALT": backend.environment["ACTIVITY_SALT"],
        "GATEWAY_APIKEY": API_KEY,
    }


def _run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    words = shlex.split(command)
    assert words[0] == "shakedown"
    arguments = [environment[word[1:]] if word.startswith("$") else word for word in words[1:]]
    done = run_shakedown(arguments, cwd=folder, env=dict(environment), deadline_s=DEADLINE_S)
    return done.stdout


def _expect_in_order(expected: str, printed: str) -> None:
    """Fail unless each line is printed, in this order; `…` stands for anything."""
    left = iter(printed.splitlines())
    for line in expected.splitlines():
        pattern = ".*".join(map(re.escape, line.split("…")))
        assert any(re.fullmatch(pattern, each.rstrip()) for each in left), (
            f"not printed: {line}\n{printed}"
        )


def _write(file: Path, block: str, said: str) -> None:
    """Write the lines of a block into a target file as a person does: below their table."""
    table = ""
    for line in filter(None, block.splitlines()):
        if line.startswith("["):
            table = line.partition(" #")[0].strip()
            continue
        key, _, value = line.partition(" #")[0].partition(" = ")
        if "…" in value:
            found = re.search(rf'{key} = "([0-9a-f-]{{36}})"', said)
            assert found, f"nobody said {line}"
            value = f'"{found[1]}"'
        _expect_said(key, value.strip(), said)
        _insert(file, table, key, value.strip())
    tomllib.loads(file.read_text(encoding="utf-8"))


def _expect_said(key: str, value: str, said: str) -> None:
    if key == "absent":
        assert all(f'"{each}"' in said for each in tomllib.loads(f"x = {value}")["x"])
    elif f"{key} = {value}" == OURS:
        assert "filesOk" in said
    elif key == "expires_s":  # told in whole seconds, of which one may have begun
        assert re.search(r" expires_s = [34]\n", said), "nobody said expires_s"
    else:
        assert f" {key} = {value}\n" in said, f"nobody said {key} = {value}"


def _insert(file: Path, table: str, key: str, value: str) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    if table not in lines:
        lines += ["", table]
    at = lines.index(table) + 1
    if key == "absent":  # beside what is there
        at = lines.index(next(line for line in lines if line.startswith("absent = ["))) + 1
        lines.insert(at, f"    {value.strip('[]')},")
    else:
        lines.insert(at, f"{key} = {value}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
