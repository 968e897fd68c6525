"""Failures for which our own machine may be the reason: no backend is at fault."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from harness.findings.exchanges import Recent
from harness.findings.rule import Severity, rules, severity_of
from harness.machine.journal import read_entries
from harness.machine.room import full_disks
from harness.plugin.judging.findings import Outcome
from harness.verdict import Verdict

_SERVER_FAILURES = frozenset({"answer.no-server-error", "answer.given"})


def excused(outcome: Outcome, rule: str, recent: Recent, hindered_by: Callable[[], str]) -> Outcome:
    """Make a failure of the server inconclusive where the machine hinders it.

    A 5xx, no answer at all, or what checks need to exist and cannot be made. `rule` is the one it
    breaks where the failure names none. A leak is a leak on any machine. What is inconclusive
    anyway, such as an instance that does not start, gets the reason.
    """
    if outcome.verdict is Verdict.FAIL and not _may_be_ours(outcome, rule, recent):
        return outcome
    if not (reason := hindered_by()):
        return outcome
    return replace(
        outcome,
        verdict=Verdict.INCONCLUSIVE,
        message=f"{reason}\nmeanwhile: {outcome.message}",
        precondition=False,
    )


def _may_be_ours(outcome: Outcome, rule: str, recent: Recent) -> bool:
    broken = outcome.rule or rule
    if severity_of(broken) is Severity.TENANT_LEAK:
        return False
    is_needed = outcome.precondition or bool((known := rules().get(broken)) and known.owners)
    return is_needed or broken in _SERVER_FAILURES or _failed(recent)


def _failed(recent: Recent) -> bool:
    """Whether the last request was answered by a 5xx, or not at all."""
    return any(each.status is None or each.status >= 500 for each in recent.last(1))


def places_of(run_dir: Path, report: Path) -> Iterable[Path]:
    """Where a run writes: its own directory, its database's, temporary files, its report.

    What a drill has mounted to fill it is left out: that is its subject, and no other check's.
    """
    entries = read_entries(run_dir).values()
    mounted = [Path(str(entry.facts["path"])) for entry in entries if entry.kind == "mount"]
    yield run_dir
    for entry in entries:
        if entry.kind in ("directory", "cluster"):
            place = Path(str(entry.facts["path"]))
            if not any(place.is_relative_to(mount) for mount in mounted):
                yield place
    yield report


def full_disks_of(run_dir: Path, report: Path) -> str:
    """Say which disk of a run is full, and what to do; empty for none."""
    return full_disks(places_of(run_dir, report))
