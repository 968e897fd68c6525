"""`shakedown accept` and `--baseline`, as their users run them."""

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration

CHECKS = """
@check("own.cells", "Cells", checklist="Own works", observes=1)
async def check_cells(observe, cells):
    for operation in ("getJob", "listJobs", "createJob"):
        async with cells.of(operation=operation):
            bad = os.environ.get("BAD", "getJob listJobs").split()
            expect(operation not in bad, expected=f"404 from {operation}", got="200")
            observe()

@check("own.passes", "Passes", checklist="Own works", observes=1)
async def check_passes(observe):
    observe()
"""


def test_a_known_run_is_green_and_a_worse_one_red(workplace: Workplace) -> None:
    workplace.checks(CHECKS)
    first = workplace.gate()
    assert first.code == 1
    written = workplace.shakedown(
        "accept", "--run", "out", "--baseline", "known.json", "--reason", "first run", "--yes"
    )
    assert written.code == 0
    assert written.stdout.count("\n+ ") + written.stdout.startswith("+ ") == 2
    again = workplace.gate("--baseline", "known.json")
    assert again.code == 0
    assert "2 known findings do not count" in again.stdout
    worse = workplace.gate("--baseline", "known.json", BAD="getJob listJobs createJob")
    assert worse.code == 1
    better = workplace.gate("--baseline", "known.json", BAD="getJob")
    assert better.code == 0
    assert "1 fixed" in better.stdout
