"""When waiting for a recovery is no use any more, and what is said first at the end."""

from dataclasses import replace
from datetime import datetime, timedelta

from chaos.drills.recovery import Recovery
from harness.checkers import CompletionFact, ExportFact, ExportFacts, Violation
from harness.checkers.as_entries import FIXED, of_export, of_transitions
from harness.checkers.every import EVERY
from harness.checkers.examples import MIDNIGHT, example
from harness.checkers.fold import fold
from harness.checkers.recovery import TIMES_OF_EXAMPLES, orphan_of_examples, promise_fields
from harness.history.entries import Entry, Event, Judge, Promise

RECOVERY = Recovery(
    orphans=[orphan_of_examples()],
    times=TIMES_OF_EXAMPLES,
    watched_from=MIDNIGHT + timedelta(seconds=11),
)
CLAIMED = "e1 queued\ne1 claimed w1 @9\ne1 beats @10"


def observed(steps: str) -> ExportFacts:
    given = example("", steps)
    return ExportFacts(
        exports=given.exports, completions=given.completions, transitions=given.transitions
    )


def violations(recovery: Recovery, seen: ExportFacts) -> list[Violation]:
    """Let every checker judge what a drill writes into its history."""
    entries: list[Entry] = [
        Promise(cap=3, max_attempts=3, **promise_fields(recovery.times), **FIXED)
    ]
    entries += (kind(**fields, **FIXED) for kind, fields in recovery.entries())
    entries += of_transitions(seen.transitions or ())
    entries += map(of_export, seen.exports)
    entries += (
        Event(job=each.export_id, name="export.completed", **FIXED) for each in seen.completions
    )
    is_watched = seen.transitions is not None
    return fold(EVERY, entries, Judge(what="", ended=True, whole=True, watched=is_watched, **FIXED))


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def test_waiting_is_no_use_once_the_time_is_over() -> None:
    assert not RECOVERY.is_overdue(observed(CLAIMED), at(12.9))
    assert RECOVERY.is_overdue(observed(CLAIMED), at(13.1))


def test_what_was_taken_back_may_take_its_time() -> None:
    assert not RECOVERY.is_overdue(observed(f"{CLAIMED}\ne1 returned @12.5"), at(60))


def test_who_was_frozen_for_a_while_may_have_been_taken_over_from() -> None:
    story = "e2 queued @1\ne2 claimed w1 @2\ne2 returned @6\ne2 claimed w2\ne2 ready\n"
    recovered = f"{CLAIMED}\ne1 returned @12.5\ne1 claimed w2\ne1 ready"
    frozen = replace(RECOVERY, disturbed={"e2"})
    assert violations(frozen, observed(story + recovered)) == []
    rules = [each.rule for each in violations(RECOVERY, observed(story + recovered))]
    assert rules == ["repeated"]


def test_all_is_well() -> None:
    story = f"{CLAIMED}\ne1 returned @12.5\ne1 claimed w2\ne1 ready"
    assert violations(RECOVERY, observed(story)) == []


def test_a_theft_from_the_living_is_named_before_its_consequences() -> None:
    story = """
        e2 queued @1
        e2 claimed w3 @2
        e2 beats @3
        e2 returned @4
        e2 claimed w2
        e2 ready
        """
    recovered = f"{CLAIMED}\ne1 returned @12.5\ne1 claimed w2\ne1 ready"
    found = violations(RECOVERY, observed(story + recovered))
    assert [(each.rule, each.subject) for each in found] == [("stolen", "e2"), ("repeated", "e2")]


def test_what_the_dead_lost_too_early_is_said_once() -> None:
    story = f"{CLAIMED}\ne1 returned @10.5\ne1 claimed w2\ne1 ready"
    rules = [violation.rule for violation in violations(RECOVERY, observed(story))]
    assert rules == ["reclaimed-early"]


def test_one_that_nobody_took_back_is_late_and_not_ready() -> None:
    rules = [violation.rule for violation in violations(RECOVERY, observed(CLAIMED))]
    assert rules == ["reclaimed-late", "not-ready"]


def over_http(state: str, attempt: int) -> list[str]:
    """The rules that are broken where the API shows one export, and no change of it."""
    shown = ExportFacts(
        exports=[ExportFact(id="e1", state=state, attempt=attempt)],
        completions=[CompletionFact(export_id="e1")] if state == "ready" else [],
        transitions=None,
    )
    return [violation.rule for violation in violations(RECOVERY, shown)]


def test_over_http_another_attempt_is_enough() -> None:
    assert over_http("ready", 2) == []
    assert over_http("ready", 3) == []


def test_over_http_the_attempt_of_the_dead_worker_is_not() -> None:
    assert over_http("ready", 1) == ["attempts"]
    assert over_http("preparing", 1) == ["not-ready", "attempts"]
