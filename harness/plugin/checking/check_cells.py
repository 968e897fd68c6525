"""The cells of a check: they know what is its own business, and where evidence goes."""

from pathlib import Path

import pytest

from harness.check import plain_id
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.preconditions import BrokenPreconditions
from harness.findings.rule import rules
from harness.plugin.cells import Cells
from harness.plugin.checking.results import check_log
from harness.plugin.collecting.collection import SPEC
from harness.plugin.context import redactor_of, system_of
from harness.plugin.judging.machine_faults import full_disks_of
from harness.plugin.settings import settings_of
from harness.system import System

SHOWN_EXCHANGES = 2
"""The last requests of a cell that its finding shows."""

BROKEN = "broken-preconditions"
"""The folder of a run's directory in which its processes note them."""


def cells_of(item: pytest.Item) -> Cells:
    """Give a check the cells that know what is its own business."""
    config, check_id = item.config, item.stash[SPEC].id
    settings = settings_of(config)
    broken = BrokenPreconditions(system_of(config).run_dir / BROKEN)
    folder = check_log(settings.report_path, check_id).with_suffix("") / "evidence"
    files = EvidenceFiles(folder, redactor_of(config))
    return Cells(
        check_id=check_id,
        check_path=item.path,
        owns=frozenset(name for name, rule in rules().items() if plain_id(check_id) in rule.owners),
        stop_at_first=settings.first_finding
        or bool(config.getoption("usepdb", default=False))
        or config.getoption("maxfail", default=0) == 1,
        on_broken=broken.note,
        hindered_by=lambda: _hindered_by(system_of(config), settings.report_path),
        evidence_of=lambda recent: as_evidence(recent.last(SHOWN_EXCHANGES), files),
    )


def _hindered_by(system: System, report: Path) -> str:
    """Say what of our machine may make the backend fail: one that runs elsewhere has its own."""
    is_elsewhere = system.target.driver == "external"
    return "" if is_elsewhere else full_disks_of(system.run_dir, report)
