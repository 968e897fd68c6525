"""The gate on the case files: a pass where they are right, a fail where they are wrong."""

from pathlib import Path

import pytest

from tests.foreign.gate_runs import gate

pytestmark = pytest.mark.integration

GAP = "contract.openapi"


async def test_what_is_right_passes_and_a_gap_is_allowed_by_name(
    installed: Path, tmp_path: Path
) -> None:
    only = f"golden.*,claim.exactly-once,hash.tamper,tenancy.matrix,load.*,{GAP}"
    target = installed / "shakedown.toml"
    run = await gate(tmp_path, target, "--only", only, "--allow-inconclusive", GAP)
    assert run.exit_code == 0, run.printed
    verdicts = run.verdicts
    assert verdicts.pop(GAP) == "inconclusive"
    assert len(verdicts) == 9
    assert set(verdicts.values()) == {"pass"}


async def test_a_seed_whose_drawn_uploads_are_nearly_all_refused(
    installed: Path, tmp_path: Path
) -> None:
    words = ("--only", "contract.stateful", "--seed", "3751560937")
    run = await gate(tmp_path, installed / "shakedown.toml", *words)
    assert run.exit_code == 0, run.printed


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("claim-unguarded", "claim.exactly-once"),
        ("foreign-raw", "tenancy.matrix"),
        ("stale-lease-finishes", "chaos.worker-pause-zombie"),
    ],
)
async def test_what_is_wrong_fails(
    installed: Path, tmp_path: Path, defect: str, check: str
) -> None:
    target = installed / "shakedown.toml"
    run = await gate(tmp_path, target, "--only", check, FOREIGN_DEFECT=defect)
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {check: "fail"}
