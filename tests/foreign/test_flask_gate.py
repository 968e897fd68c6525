"""The gate on the depot: a pass where it is right, a fail where it is wrong, tokens hidden."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.flask_depot import ROOT

pytestmark = pytest.mark.integration

TARGET = ROOT / "tests/foreign/flask/shakedown.toml"
ADMIN_TOKEN = "only-for-a-depot-under-test-on-loopback-55e1"
_DEADLINE_S = 180

GOSSIP = """
import os
from pathlib import Path

from harness.check import check
from harness.errors import CheckFailed


@check("gossip.token", "A check that tells a token", checklist="Verify secrets", observes=1)
async def check_token(org, observe):
    observe()
    token = org.tokens["owner"]
    with Path(os.environ["GOSSIP"]).open("a") as told:
        told.write(token)
    print(token)
    raise CheckFailed(expected=token.encode().hex(), came=f"/files/{token}?a=b")
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run of the gate printed, and what it wrote."""

    exit_code: int
    printed: str
    report: Path

    @property
    def verdicts(self) -> dict[str, str]:
        results: dict[str, Any] = json.loads((self.report / "results.json").read_text())
        return {check["id"]: check["verdict"] for check in results["checks"]}

    @property
    def everything(self) -> str:
        """All that anybody can read afterwards."""
        files = [path for path in self.report.rglob("*") if path.is_file()]
        return self.printed + "".join(path.read_text(errors="replace") for path in files)


async def gate(folder: Path, *words: str, target: Path = TARGET, **environment: str) -> Run:
    report = folder / "report"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "harness", "run", "--target", str(target), "--out", str(report)),
        *words,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return Run(exit_code=process.returncode or 0, printed=printed.decode(), report=report)


async def test_what_is_right_passes_and_a_gap_is_allowed_by_name(tmp_path: Path) -> None:
    only = ("--only", "golden.*,tenancy.matrix,tenancy.viewer,manifest.files-match,hash.chain")
    run = await gate(tmp_path, *only, "--allow-inconclusive", "golden.manifest")
    assert run.exit_code == 0, run.printed
    others = {name: verdict for name, verdict in run.verdicts.items() if name != "golden.manifest"}
    assert len(others) == 8
    assert set(others.values()) == {"pass"}
    assert run.verdicts["golden.manifest"] == "inconclusive"


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("foreign-download", "tenancy.matrix"),
        ("token-by-its-beginning", "tenancy.tokens"),
        ("index-digest-of-pretty-text", "golden.manifest"),
    ],
)
async def test_what_is_wrong_fails(tmp_path: Path, defect: str, check: str) -> None:
    run = await gate(tmp_path, "--only", check, FOREIGN_DEFECT=defect)
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {check: "fail"}


async def test_tokens_that_the_backend_gave_out_are_hidden(tmp_path: Path) -> None:
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "check_gossip.py").write_text(GOSSIP)
    told = tmp_path / "told"
    run = await gate(tmp_path, "--no-built-in", str(checks), GOSSIP=str(told))
    assert run.exit_code == 1, run.printed
    token = told.read_text()
    assert len(token) > 20
    everything = run.everything
    assert "***" in everything
    assert token not in everything
    assert token.encode().hex() not in everything
    assert ADMIN_TOKEN not in everything


async def test_a_call_that_fails_ends_the_run_with_its_name(tmp_path: Path) -> None:
    target = tmp_path / "shakedown.toml"
    text = TARGET.read_text().replace('directory = "../../.."', f'directory = "{ROOT}"')
    target.write_text(
        text.replace('role_names = { owner = "boss"', 'role_names = { owner = "king"')
    )
    run = await gate(tmp_path, "--only", "golden.*", target=target)
    assert run.exit_code == 3, run.printed
    assert "[tokens.calls.user] POST /admin/tenants/{organization}/people" in run.printed
    assert "expected 201, got 400" in run.printed
    assert ADMIN_TOKEN not in run.everything
