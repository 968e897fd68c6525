"""The gate on the field documentation: a pass where it is right, else the right rule."""

import re
from pathlib import Path

import pytest

from .fieldwork.defects import all_at_once
from .gate_runs import ROOT, Run, gate

pytestmark = pytest.mark.integration

TARGET = ROOT / "tests/foreign/fieldwork/shakedown.toml"
FIRST_SCREEN = 40  # lines


async def run(folder: Path, only: str, defects: str = "") -> Run:
    return await gate(folder, TARGET, "--only", only, FOREIGN_DEFECT=defects)


async def test_what_is_right_passes(tmp_path: Path) -> None:
    clean = await run(
        tmp_path, "golden.*,tenancy.matrix,tenancy.row-security,manifest.tamper-nested"
    )
    assert clean.exit_code == 0, clean.printed
    assert set(clean.verdicts.values()) == {"pass"}
    assert "of 300 cells" in clean.printed  # what is declared absent is left out, and told


WRONG = (
    ("download-by-the-server", "tenancy.matrix", "tenancy.no-foreign-data"),
    ("address-for-ever", "tenancy.signed-addresses", "download.address-expires"),
    ("finished-can-be-cancelled", "golden.export-download", "golden.export-download"),
    ("lease-not-compared", "chaos.worker-pause-zombie", "stale-worker.changes-nothing"),
)
"""Defects that do not hide each other, and by which rule of which check each is told."""


async def test_what_is_wrong_is_told_by_its_rule(tmp_path: Path) -> None:
    defects, checks, rules = zip(*WRONG, strict=True)
    wrong = await run(tmp_path, ",".join(checks), ",".join(defects))
    assert wrong.exit_code == 1, wrong.printed
    assert wrong.verdicts == dict.fromkeys(checks, "fail")
    for check, rule in zip(checks, rules, strict=True):
        assert rule in wrong.rules_of(check), check
    assert "expected 409 from cancelExport" in wrong.everything  # and nothing else of exports


async def test_with_all_at_once_the_first_screen_names_a_dozen_causes(tmp_path: Path) -> None:
    checks = (
        "golden.*,tenancy.matrix,tenancy.row-security,tenancy.privileges,tenancy.tokens,"
        "tenancy.viewer,tenancy.signed-addresses,hash.immutable,upload.content-mismatch,upload.empty-file"
    )
    wrong = await run(tmp_path, checks, all_at_once())
    assert wrong.exit_code == 1, wrong.printed
    _, _, causes = wrong.printed.partition(" causes, the worst first")
    named = re.findall(r"^  \S (.+)$", "\n".join(causes.splitlines()[:FIRST_SCREEN]), re.MULTILINE)
    assert len(named) >= 12, wrong.printed
