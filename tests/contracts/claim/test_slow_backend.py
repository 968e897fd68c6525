"""A backend whose two workers take one export at a time, and their time over it."""

import json
from pathlib import Path

import pytest

from tests.foreign.gate_runs import ROOT, gate

pytestmark = pytest.mark.integration

PACE = """
[pace]
export_s = 5
at_once = 2
"""

CHECKS = ("claim.exactly-once", "golden.export-download", "load.exactly-once")


async def test_a_declared_pace_makes_fewer_exports_and_says_so(tmp_path: Path) -> None:
    text = (ROOT / "harness" / "target" / "default.toml").read_text(encoding="utf-8")
    for folder in ("reference_backend/", "contracts/"):
        text = text.replace(f'"{folder}', f'"{ROOT}/{folder}')
    usual = "WORKER_CONCURRENCY = 4"
    assert usual in text
    slow = 'WORKER_CONCURRENCY = 1\nFAILPOINTS = "while_working=sleep:0.4"'
    text = text.replace(usual, slow)
    target = tmp_path / "shakedown.toml"
    target.write_text(text + PACE, encoding="utf-8")
    run = await gate(tmp_path, target, "--only", ",".join(CHECKS), PYTHONPATH=str(ROOT))
    assert run.exit_code == 0, run.printed
    assert run.verdicts == dict.fromkeys(CHECKS, "pass")
    checks = {
        each["id"]: each for each in json.loads((run.report / "results.json").read_text())["checks"]
    }
    assert checks["claim.exactly-once"]["observations"] == 10
    assert checks["claim.exactly-once"]["needed_observations"] == 10
    assert "10 exports instead of 200" in checks["claim.exactly-once"]["fewer"][0]["reason"]
    assert checks["golden.export-download"]["fewer"] == []
    assert "with less to look at than usual: claim.exactly-once, load.exactly-once" in run.printed
