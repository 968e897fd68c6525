"""The gate on the case files: a pass where they are right, a fail where they are wrong."""

from pathlib import Path

import pytest

from tests.foreign.gate_runs import gate
from tests.target_files import write

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


def without_a_trail_over_http(folder: Path, installed: Path) -> Path:
    """Write a target file of the same backend, whose trail nobody can ask for over HTTP."""
    absent = ("listLedgerEvents", "getLedgerEvent", "verifyLedgerEvent")
    text = (installed / "shakedown.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(absent)]
    text = "\n".join(lines).replace("\nabsent = [", f"\nabsent = {[*absent]}"[:-1] + ", ", 1)
    text = text.replace('driver = "process"', f'driver = "process"\ndirectory = "{installed}"', 1)
    return write(folder, text)


async def test_a_ledger_without_an_api_is_judged_in_the_database(
    installed: Path, tmp_path: Path
) -> None:
    target = without_a_trail_over_http(tmp_path, installed)
    only = "golden.ledger-event,hash.chain,hash.immutable,manifest.files-match"
    run = await gate(tmp_path, target, "--only", only)
    assert run.verdicts == dict.fromkeys(only.split(","), "pass"), run.printed
    assert run.exit_code == 0

    wrong = tmp_path / "wrong"
    run = await gate(wrong, target, "--only", "hash.no-fork", FOREIGN_DEFECT="trail-forks")
    assert run.verdicts == {"hash.no-fork": "fail"}, run.printed
    assert "An organization's chain never forks" in run.printed


NO_ROW_SECURITY = """
[[accepted]]
check = "tenancy.row-security"
reason = "one role for everything; tenants are told apart in the queries of the API"

[[allow_inconclusive]]
check = "tenancy.direct-sql"
reason = "there is no role to act in"
"""


async def test_no_row_security_is_accepted_by_name_and_excuses_nothing_over_http(
    installed: Path, tmp_path: Path
) -> None:
    text = (installed / "shakedown.toml").read_text(encoding="utf-8")
    text = text.replace('driver = "process"', f'driver = "process"\ndirectory = "{installed}"', 1)
    there = "[catalog]\n"
    named = there + 'tables = { evidence = "documents", jobs = "cases" }\n'
    assert there in text
    target = write(tmp_path, text.replace(there, named, 1) + NO_ROW_SECURITY)
    only = "tenancy.row-security,tenancy.direct-sql,tenancy.matrix"
    run = await gate(tmp_path, target, "--only", only)
    assert run.verdicts == {
        "tenancy.row-security": "fail",  # which does not count
        "tenancy.direct-sql": "inconclusive",
        "tenancy.matrix": "pass",
    }
    assert run.rules == {"tenancy.row-security"}
    assert run.exit_code == 0, run.printed
    assert "says that there is no role authenticated" in run.printed

    wrong = tmp_path / "wrong"
    run = await gate(wrong, target, "--only", only, FOREIGN_DEFECT="foreign-raw")
    assert run.verdicts["tenancy.matrix"] == "fail"
    assert run.exit_code == 1, run.printed
