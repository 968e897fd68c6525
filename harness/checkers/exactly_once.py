"""Was every accepted export done exactly once, with one owner at a time?

There are three guarantees. Work may be *executed* more than once when a worker dies; its
*visible effect* (one ready export, one completed event) happens exactly once; *ownership* is
fenced: one owner at a time, and what was decided stays decided.
"""

from collections.abc import Collection, Iterable

from harness.checkers.as_entries import FIXED, of_export, of_transition
from harness.checkers.effects import ExactlyOnceEffect
from harness.checkers.examples import Example, example
from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.checkers.fold import Checker, fold
from harness.checkers.nothing_lost import NothingLost
from harness.checkers.states import ClaimsCounted, FinalIsFinal, LegalTransitions
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Event, Harmed, Judge, Operation
from harness.vocabulary.events import EXPORT_COMPLETED

EXACTLY_ONCE: tuple[type[Checker], ...] = (
    NothingLost,
    ExactlyOnceEffect,
    LegalTransitions,
    FinalIsFinal,
    ClaimsCounted,
)


def exactly_once(
    accepted: Iterable[str],
    exports: Iterable[ExportFact],
    completions: Iterable[CompletionFact],
    transitions: Iterable[Transition] | None = None,
    *,
    harmed: Collection[str] = frozenset(),
) -> list[Violation]:
    """Give everything that is wrong with the final state of these exports and with their changes.

    `accepted` are the ids of exports that the API accepted and no client canceled. `harmed` are
    those whose worker was killed, stopped or frozen: they may need more than one attempt.
    `transitions` are the changes of all these exports from their insert on, in order; None where
    none were recorded. Time is linear in all of it, memory in the number of exports.
    """
    entries: list[Entry] = [
        Operation(type="ok", f="requestExport", process="", job=each, **FIXED) for each in accepted
    ]
    entries += (Harmed(job=each, **FIXED) for each in harmed)
    entries += map(of_transition, transitions or ())
    entries += map(of_export, exports)
    entries += (Event(job=each.export_id, name=EXPORT_COMPLETED, **FIXED) for each in completions)
    judge = Judge(what="", ended=True, watched=transitions is not None, **FIXED)
    return fold(EXACTLY_ONCE, entries, judge)


ACCEPTS: tuple[Example, ...] = (
    example("nothing was asked for", ""),
    example(
        "two exports, two workers",
        "e1 queued, e2 queued, e1 claimed w1, e2 claimed w2, e2 ready, e1 ready",
    ),
    example(
        "a killed worker's export is done by another",
        "e1 queued, e1 claimed w1, e1 returned, e1 claimed w2, e1 ready",
        harmed="e1",
    ),
    example(
        "a failed export is retried",
        "e1 queued, e1 claimed w1, e1 failed, e1 queued, e1 claimed w1, e1 ready",
        harmed="e1",
    ),
)

REJECTS: tuple[Example, ...] = (
    example("accepted, then nowhere", "e1 queued", gone="e1", rule="lost"),
    example("never claimed", "e1 queued", rule="not-ready"),
    example("claimed and forgotten", "e1 queued, e1 claimed w1", rule="not-ready"),
    example(
        "given up",
        "e1 queued, e1 claimed w1, e1 failed",
        rule="not-ready",
    ),
    example(
        "two attempts though no worker died",
        "e1 queued, e1 claimed w1, e1 returned, e1 claimed w2, e1 ready",
        rule="repeated",
    ),
    example(
        "two workers claim the same export",
        "e1 queued, e1 claimed w1, e1 claimed w2, e1 ready",
        harmed="e1",
        rule="two-owners",
    ),
    example(
        "the second claim overwrites the first and counts nothing",
        "e1 queued, e1 claimed w1, e1 stamped w2, e1 ready",
        rule="two-owners",
    ),
    example(
        "both owners recorded their completion",
        "e1 queued, e1 claimed w1, e1 ready",
        events={"e1": 2},
        rule="completed-twice",
    ),
    example(
        "killed between the state and the event",
        "e1 queued, e1 claimed w1, e1 ready",
        events={"e1": 0},
        rule="unrecorded",
    ),
    example(
        "killed between the event and the state",
        "e1 queued, e1 claimed w1",
        events={"e1": 1},
        rule="completed-unready",
    ),
    example("an event about nothing", "", events={"e9": 1}, rule="completed-unready"),
    example(
        "a zombie completes what is back in the queue",
        "e1 queued, e1 claimed w1, e1 returned, e1 ready",
        harmed="e1",
        rule="no-such-way",
    ),
    example(
        "a ready export is taken back and done again",
        "e1 queued, e1 claimed w1, e1 ready, e1 returned, e1 claimed w2, e1 ready",
        harmed="e1",
        rule="undecided",
    ),
    example(
        "recovery forgets the attempts",
        "e1 queued, e1 claimed w1, e1 returned, e1 reset, e1 claimed w2, e1 ready",
        harmed="e1",
        rule="attempt",
    ),
)
