"""A full disk of our machine is no finding about the backend, and excuses nothing else."""

import asyncio
from pathlib import Path

import pytest

from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet
from harness.findings.exchanges import note_exchange
from harness.machine.journal import Journal
from harness.plugin.cells import Cells
from harness.plugin.judging.machine_faults import places_of
from harness.recovery.healing import end_run

FULL = "the disk of /run/of/ours is full (0.0 MB are left); free some room"
FAILED = CheckFailed(expected="201", got="500")


def look(error: Exception, *, status: int | None, full: str = FULL) -> Cells:
    """Give the cells after one in which this was raised after such an answer."""
    cells = Cells(check_id="own.check", check_path=Path(__file__), hindered_by=lambda: full)

    async def check() -> None:
        async with cells.of(operation="createJob"):
            note_exchange(
                method="POST", url="http://127.0.0.1:1/", headers={}, body=None, instance=0,
                status=status, problem="" if status else "cut off",
            )  # fmt: skip
            raise error

    asyncio.run(check())
    return cells


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FAILED, 500),
        (FAILED, 503),
        (FAILED, None),
        (CheckFailed(expected="ready", got="failed", rule="export.becomes-ready"), 200),
        (PreconditionNotMet(expected="201", got="422", rule="job.created"), 422),
        (CheckFailed(expected="no 5xx", got="500", rule="answer.no-server-error"), 200),
    ],
)
def test_a_server_that_fails_while_the_disk_is_full_is_not_looked_at(
    error: CheckFailed, status: int | None
) -> None:
    cells = look(error, status=status)
    assert (cells.findings, cells.blocked) == ([], [])
    ((reason, _),) = cells.counts().reasons
    assert reason.startswith(FULL)
    assert f"got {error.got}" in reason
    assert look(error, status=status, full="").counts().reasons == ()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FAILED, 200),
        (FAILED, 404),
        (CheckFailed(expected="404", got="200", rule="tenancy.matrix"), 500),
        (CheckFailed(expected="one event", got="two", rule="ledger.event-once"), 200),
    ],
)
def test_everything_else_stays_a_finding_on_any_machine(error: CheckFailed, status: int) -> None:
    assert len(look(error, status=status).findings) == 1


def test_what_is_inconclusive_anyway_gets_the_reason() -> None:
    ((reason, _),) = look(Inconclusive("api-1 was not ready"), status=200).counts().reasons
    assert reason == f"{FULL}\nmeanwhile: api-1 was not ready"
    ((reason, _),) = look(Inconclusive("no worker"), status=200, full="").counts().reasons
    assert reason == "no worker"


def test_the_disks_of_a_run_are_those_that_it_writes_to(tmp_path: Path) -> None:
    journal, report = Journal.begin(tmp_path), tmp_path / "report"
    data = tmp_path / "memory" / "data"
    journal.note("cluster", path=str(data))
    small = tmp_path / "memory-of-a-drill"
    journal.note("directory", path=str(small))
    journal.note("cluster", path=str(small / "data"))
    journal.note("mount", path=str(small))
    try:
        assert [*places_of(journal.run_dir, report)] == [journal.run_dir, data, report]
    finally:
        end_run(journal)
