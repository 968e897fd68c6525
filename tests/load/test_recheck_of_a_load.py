"""The history of a whole run, alone in a folder, gives the verdicts that the run gave."""

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.recheck import recheck
from harness.verdict import ExitCode
from tests.warm import run_shakedown

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

LOAD = "load.exactly-once"


@pytest.mark.parametrize(
    ("defect", "verdict", "why"),
    [("", "pass", ""), ("completion-logged-twice", "fail", "[completed-twice]")],
)
def test_a_load_is_judged_again(tmp_path: Path, defect: str, verdict: str, why: str) -> None:
    words = ["run", "--only", LOAD, "--out", str(tmp_path / "out")]
    environment = {**os.environ, "REFERENCE_BACKEND_DEFECT": defect}
    done = run_shakedown(words, cwd=tmp_path, env=environment, deadline_s=200)
    [check] = json.loads((tmp_path / "out/results.json").read_text())["checks"]
    assert check["verdict"] == verdict, done.stdout
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tmp_path / "out/history.jsonl", alone)
    again = CliRunner().invoke(recheck, [str(alone)], standalone_mode=False)
    assert again.return_value == (ExitCode.FAIL if why else ExitCode.PASS), again.output
    assert f"{verdict:<13} {LOAD}" in again.stdout
    assert why in again.stdout
