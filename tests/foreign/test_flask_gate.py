"""The gate on the depot: a pass where it is right, a fail where it is wrong, tokens hidden."""

from pathlib import Path

import pytest

from .gate_runs import ROOT, gate

pytestmark = pytest.mark.integration

TARGET = ROOT / "tests/foreign/flask/shakedown.toml"
ADMIN_TOKEN = "only-for-a-depot-under-test-on-loopback-55e1"

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


async def test_what_is_right_passes_and_a_gap_is_allowed_by_name(tmp_path: Path) -> None:
    checks = "golden.*,tenancy.matrix,tenancy.viewer,manifest.files-match,hash.chain"
    only = ("--only", f"{checks},load.exactly-once,contract.openapi")
    run = await gate(tmp_path, TARGET, *only, "--allow-inconclusive", "contract.openapi")
    assert run.exit_code == 0, run.printed
    others = {name: verdict for name, verdict in run.verdicts.items() if name != "contract.openapi"}
    assert len(others) == 10
    assert set(others.values()) == {"pass"}
    assert run.verdicts["contract.openapi"] == "inconclusive"


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("foreign-download", "tenancy.matrix"),
        ("token-by-its-beginning", "tenancy.tokens"),
        ("index-digest-of-pretty-text", "golden.manifest"),
        ("finished-can-be-stopped", "golden.export-download"),
        ("lease-never-recovered", "chaos.worker-kill"),
        ("digest-of-its-text", "load.exactly-once"),
    ],
)
async def test_what_is_wrong_fails(tmp_path: Path, defect: str, check: str) -> None:
    run = await gate(tmp_path, TARGET, "--only", check, FOREIGN_DEFECT=defect)
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {check: "fail"}


async def test_tokens_that_the_backend_gave_out_are_hidden(tmp_path: Path) -> None:
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "check_gossip.py").write_text(GOSSIP)
    told = tmp_path / "told"
    run = await gate(tmp_path, TARGET, "--no-built-in", str(checks), GOSSIP=str(told))
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
    run = await gate(tmp_path, target, "--only", "golden.*")
    assert run.exit_code == 3, run.printed
    assert "[tokens.calls.user] POST /admin/tenants/{organization}/people" in run.printed
    assert "expected 201, got 400" in run.printed
    assert ADMIN_TOKEN not in run.everything
