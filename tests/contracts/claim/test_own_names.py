"""A backend whose table of exports and claim function have names of their own."""

from pathlib import Path

import pytest

from tests.contracts.claim.renamed_backend import install_renamed
from tests.foreign.gate_runs import gate

pytestmark = pytest.mark.integration

CHECKS = (
    *("claim.direct-calls", "claim.index-used", "claim.oldest-first", "claim.per-org-cap"),
    "tenancy.export-states",
)


async def test_claims_are_judged_by_their_own_names(tmp_path: Path) -> None:
    target = install_renamed(tmp_path)
    run = await gate(tmp_path, target, "--only", ",".join(CHECKS))
    assert run.exit_code == 0, run.printed
    assert run.verdicts == dict.fromkeys(CHECKS, "pass")


async def test_a_wrong_claim_is_told(tmp_path: Path) -> None:
    target = install_renamed(tmp_path, limit=2)
    run = await gate(tmp_path, target, "--only", "claim.direct-calls")
    assert run.exit_code == 1, run.printed
    assert "number of exports set to preparing by a claim" in run.printed
