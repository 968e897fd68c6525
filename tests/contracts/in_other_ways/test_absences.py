"""What a target file declares absent: cells are taken away, and it must not be there."""

from pathlib import Path

import pytest

from tests.contracts.in_other_ways.test_right_backends import target_with
from tests.foreign.gate_runs import gate

pytestmark = pytest.mark.integration

ABSENT = """
[contract.without]
headers = ["Location", "Retry-After", "Repr-Digest"]
export_types = ["ledger"]
pages = true
order = true
"""


def _target(folder: Path) -> Path:
    target = target_with(folder, [])
    text = target.read_text(encoding="utf-8")
    assert "[contract]\n" in text
    absent = '[contract]\nabsent = ["health", "export.queue_position"]\n'
    target.write_text(text.replace("[contract]\n", absent, 1) + ABSENT, encoding="utf-8")
    return target


async def test_a_declaration_that_is_not_true_is_a_finding_about_the_target_file(
    tmp_path: Path,
) -> None:
    run = await gate(tmp_path, _target(tmp_path), "--only", "contract.declared-absent")
    assert run.exit_code == 1
    for told in ("health", "export.queue_position", "Location", "ledger", "listJobs"):
        assert told in run.printed


async def test_what_is_absent_takes_cells_away_and_not_the_check(tmp_path: Path) -> None:
    only = "golden.upload,golden.export-download"
    run = await gate(tmp_path, _target(tmp_path), "--only", only)
    assert run.verdicts == {"golden.upload": "pass", "golden.export-download": "pass"}, run.printed
    assert " of " in run.printed
    assert "cells" in run.printed
