"""Evidence: bounded, and carried from the failure into the finding."""

import asyncio
from pathlib import Path

from harness.errors import CheckFailed, PreconditionNotMet
from harness.evidence import MOST_ROWS, MOST_STEPS, query_evidence, transitions_evidence
from harness.expect import expect, expect_equal, showing
from harness.plugin.cells import Cells

ROW = query_evidence("the export's row", "SELECT state FROM exports", [{"state": None}])


def test_a_query_is_shown_with_its_first_rows() -> None:
    assert ROW.text == "SELECT state FROM exports\n\nstate: NULL"
    rows = [{"n": number, "text": "x\n" * 1000} for number in range(1000)]
    long = query_evidence("rows", "SELECT n", rows, total=len(rows))
    assert long.text.count("\n") == MOST_ROWS + 2
    assert long.text.endswith("… 1000 rows")
    assert len(long.text) < MOST_ROWS * 500
    assert query_evidence("rows", "SELECT n", iter(rows)).text.endswith("… and more rows")


def test_steps_are_bounded_and_counted() -> None:
    few = transitions_evidence("states", ["queued", "ready"])
    assert (few.kind, few.text) == ("transitions", "queued\nready")
    many = transitions_evidence("states", ["a step"] * 500)
    assert many.text.splitlines()[-1] == "… 500 steps"
    assert len(many.text.splitlines()) == MOST_STEPS + 1


def test_a_finding_has_the_evidence_that_its_failure_gives() -> None:
    cells = Cells(check_id="own.check", check_path=Path(__file__))

    async def check() -> None:
        async with cells.of(state="queued"):
            expect(False, expected="queued", got="ready", evidence=(ROW,))
        async with cells.of(state="ready"):
            expect_equal("queued", "ready", "state", evidence=(ROW,))
        async with cells.of(state="failed"):
            with showing(ROW):
                expect(False, expected="failed", got="ready")

    asyncio.run(check())
    assert [each.evidence for each in cells.findings] == [(ROW,), (ROW,), (ROW,)]
    precondition = PreconditionNotMet.of(CheckFailed("a job", "none", evidence=(ROW,)), "job")
    assert precondition.evidence == (ROW,)
