"""Drills on a system that already runs: right ones pass, wrong ones fail, faults are undone."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chaos.drills.drill import run_drill
from chaos.faults.fault import UndoFailed
from chaos.faults.proof import FaultNotShown
from chaos.staging.drill import STAGING_FAULT, Aborted
from harness.errors import CheckFailed, PreconditionNotMet
from harness.guard import Refused
from harness.history import read_history
from harness.machine.journal import Journal, read_entries
from harness.recovery.healing import end_run
from tests.chaos.staging.conftest import DrillOf, Staging

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KILLED_AT_WORK = ("kill-at-work", "nothing", "hold_s = 0.5\n")
"""What it held is recovered, or not, while the drill waits for all that was accepted."""

LONG = "hold_s = 4\n"
"""Longer than the stuck timeout: others have taken over when a frozen worker wakes up."""


def shorten_the_wait(file: Path, seconds: int) -> None:
    text = file.read_text(encoding="utf-8")
    shorter = text.replace("steady_within_s = 20", f"steady_within_s = {seconds}")
    assert shorter != text
    file.write_text(shorter, encoding="utf-8")


def faults_of(journal: Journal) -> Sequence[object]:
    entries = read_entries(journal.run_dir).values()
    return [entry.facts["what"] for entry in entries if entry.kind == "fault"]


async def test_a_worker_is_killed_and_nothing_is_lost(
    staging: Staging, drill_of: DrillOf, journal: Journal, tmp_path: Path
) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing", "hold_s = 2\n"))
    async with drill_of(file) as drill:
        await run_drill(STAGING_FAULT, drill)
        assert drill.observe.count >= 1
    assert staging.log() == ["kill worker-1", "is-dead worker-1", "nothing worker-1"]
    assert faults_of(journal) == []
    history = list(read_history(tmp_path / "history.jsonl"))
    seen = [(each.f, each.type, each.step, each.worker) for each in history if "kill" in each.f]
    assert seen == [
        ("kill", "invoke", None, "worker-1"),
        ("kill", "info", "requested", "worker-1"),
        ("kill", "ok", "effect", "worker-1"),
        ("heal-kill", "info", "requested", "worker-1"),
    ]
    accepted = {each.job for each in history if (each.f, each.type) == ("requestExport", "ok")}
    downloaded = {each.job for each in history if each.f == "downloadExport"}
    assert len(accepted) >= 5
    assert accepted == downloaded


async def test_a_worker_is_frozen_until_others_have_its_work(
    staging: Staging, drill_of: DrillOf
) -> None:
    fault = staging.fault("pause", "pause", "resume", LONG)
    async with drill_of(staging.write(fault)) as drill:
        await run_drill(STAGING_FAULT, drill)
        assert drill.observe.count >= 1
    assert staging.log() == ["pause worker-1", "is-paused worker-1", "resume worker-1"]


@pytest.mark.parametrize(
    ("wrong_staging", "fault", "expected"),
    [
        ("recovery-of-another-state", KILLED_AT_WORK, "not-ready"),
        ("recovery-forgets-attempts", KILLED_AT_WORK, "attempts-lost|attempt-uncounted"),
        ("completion-without-token", ("pause", "resume", LONG), "completed-twice"),
    ],
    indirect=["wrong_staging"],
)
async def test_defects_that_only_a_fault_shows(
    wrong_staging: Staging, drill_of: DrillOf, fault: tuple[str, str, str], expected: str
) -> None:
    file = wrong_staging.write(wrong_staging.fault("harm", *fault))
    if expected == "not-ready":  # it never becomes ready
        shorten_the_wait(file, 6)
    async with drill_of(file) as drill:
        with pytest.raises(CheckFailed, match=expected):
            await run_drill(STAGING_FAULT, drill)


async def test_it_is_aborted_as_soon_as_the_condition_holds(
    staging: Staging, drill_of: DrillOf
) -> None:
    fault = staging.fault("freeze", "pause-all", "resume-all", "hold_s = 100\n")
    file = staging.write(fault + "[chaos.abort]\nno_completion_s = 2\n")
    async with drill_of(file) as drill:
        with pytest.raises(Aborted, match=r"no export became ready for .* was undone"):
            await run_drill(STAGING_FAULT, drill)
    assert staging.log() == ["pause-all worker-1", "is-paused worker-1", "resume-all worker-1"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("fail", "ended with 7"), ("hang", "did not end within 1 s"), ("no-such-word", "with 2")],
)
async def test_a_fault_that_cannot_be_injected(
    staging: Staging, drill_of: DrillOf, journal: Journal, word: str, expected: str
) -> None:
    file = staging.write(staging.fault("harm", word, "resume", "timeout_s = 1\n"))
    async with drill_of(file) as drill:
        with pytest.raises(FaultNotShown, match=expected):
            await run_drill(STAGING_FAULT, drill)
    assert staging.log() == [f"{word} worker-1", "resume worker-1"]
    assert faults_of(journal) == []


async def test_a_fault_without_a_proof_is_judged_and_inconclusive(
    staging: Staging, drill_of: DrillOf
) -> None:
    file = staging.write(staging.fault("harm", "nothing", "nothing", "hold_s = 0.2\n"))
    async with drill_of(file) as drill:
        with pytest.raises(FaultNotShown, match=r"write proof = .* into \[chaos.faults.harm\]"):
            await run_drill(STAGING_FAULT, drill)
    assert staging.log() == ["nothing worker-1", "nothing worker-1"]


async def test_a_fault_that_does_not_show(staging: Staging, drill_of: DrillOf) -> None:
    fault = staging.fault("pause", "nothing", "resume", "timeout_s = 2\n")
    fault += f"proof = {staging.command('is-paused')}\n".replace("'", '"')
    async with drill_of(staging.write(fault)) as drill:
        with pytest.raises(FaultNotShown, match="'pause' on worker-1 did not succeed within 2 s"):
            await run_drill(STAGING_FAULT, drill)


async def test_an_undo_that_fails_is_loud_and_stays_in_the_journal(
    staging: Staging, drill_of: DrillOf, journal: Journal
) -> None:
    file = staging.write(staging.fault("harm", "nothing", "fail", "hold_s = 0.2\n"))
    async with drill_of(file) as drill:
        with pytest.raises(UndoFailed, match="ended with 7"):
            await run_drill(STAGING_FAULT, drill)
    assert faults_of(journal) == ["harm of worker-1"]
    healing = end_run(journal)
    assert "could not be undone" in healing.problems[0]
    assert journal.run_dir.exists(), "another try must be possible"


async def test_what_is_not_steady_is_not_harmed(staging: Staging, drill_of: DrillOf) -> None:
    for worker in staging.system.workers:
        await staging.system.pause(worker)
    file = staging.write(staging.fault("kill", "kill", "nothing"))
    shorten_the_wait(file, 1)
    async with drill_of(file) as drill:
        with pytest.raises(PreconditionNotMet) as unmet:
            await run_drill(STAGING_FAULT, drill)
    assert unmet.value.rule == "export.becomes-ready"
    assert "not steady before the fault" in unmet.value.__notes__[0]
    assert staging.log() == []


async def test_a_file_that_changes_while_the_drill_goes_on(
    staging: Staging, drill_of: DrillOf, journal: Journal
) -> None:
    file = staging.write(staging.fault("kill", "kill", "nothing"))
    async with drill_of(file) as drill:
        await drill.guard.permit_load()
        file.write_text(file.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        with pytest.raises(Refused, match="has changed since it was checked"):
            await run_drill(STAGING_FAULT, drill)
    assert staging.log() == []
    assert faults_of(journal) == []
