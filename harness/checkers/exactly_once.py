"""Was every accepted export done exactly once, with one owner at a time?

There are three guarantees. Work may be *executed* more than once when a worker dies; its
*visible effect* (one ready export, one completed event) happens exactly once; *ownership* is
fenced: one owner at a time, and what was decided stays decided.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from harness.checkers.examples import Example, example
from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.checkers.violations import Violation
from harness.vocabulary.exports import (
    FAILED,
    NEXT_STATES,
    PREPARING,
    QUEUED,
    READY,
    TERMINAL_STATES,
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
    by_id = {export.id: export for export in exports}
    completed = Counter(completion.export_id for completion in completions)
    accepted_ids = list(dict.fromkeys(accepted))
    found = [
        violation
        for export_id in accepted_ids
        for violation in _final_state(export_id, by_id.get(export_id), harmed)
    ]
    found += _effects(by_id, completed)
    if transitions is not None:
        found += _changes(transitions, by_id, harmed)
    return found


def _final_state(
    export_id: str, export: ExportFact | None, harmed: Collection[str]
) -> Iterator[Violation]:
    if export is None:
        yield Violation(
            rule="lost",
            subject=export_id,
            expected=f"export {export_id}, which the API accepted, to exist",
            got="no such export",
        )
    elif export.state != READY:
        yield Violation(
            rule="not-ready",
            subject=export_id,
            expected=f"export {export_id}, which the API accepted, to become ready",
            got=export.describe(),
        )
    elif export_id not in harmed and export.attempt not in (1, None):
        yield Violation(
            rule="repeated",
            subject=export_id,
            expected=f"export {export_id} to be ready at attempt 1: nothing disturbed its worker",
            got=f"attempt {export.attempt}",
        )


def _effects(by_id: dict[str, ExportFact], completed: Counter[str]) -> Iterator[Violation]:
    for export in by_id.values():
        due, events = int(export.state == READY), completed[export.id]
        if events == due:
            continue
        rule = "completed-twice" if events > 1 else "unrecorded" if due else "completed-unready"
        yield Violation(
            rule=rule,
            subject=export.id,
            expected=f"{due or 'no'} export.completed event of export {export.id}, "
            f"which is {export.state}",
            got=f"{events} events",
        )
    for export_id, events in completed.items():
        if export_id not in by_id:
            yield Violation(
                rule="completed-unready",
                subject=export_id,
                expected=f"no export.completed event of {export_id}, which is no export",
                got=f"{events} events",
            )


def _changes(
    transitions: Iterable[Transition], by_id: dict[str, ExportFact], harmed: Collection[str]
) -> list[Violation]:
    found: list[Violation] = []
    claims: dict[str, int] = defaultdict(int)
    for step in transitions:
        claims[step.export_id] += step.is_claim
        found += _step(step)
    for export in by_id.values():
        if export.attempt is None:
            found += _repeated(export, claims[export.id], harmed)
        elif claims[export.id] != export.attempt:
            found.append(
                Violation(
                    rule="claims-miscounted",
                    subject=export.id,
                    expected=f"attempt of export {export.id} to rise by one with each claim",
                    got=f"attempt {export.attempt} after {claims[export.id]} claims",
                )
            )
    return found


def _repeated(export: ExportFact, claims: int, harmed: Collection[str]) -> Iterator[Violation]:
    """Where no attempt is kept, the claims themselves say how often an export was tried."""
    if claims > 1 and export.state == READY and export.id not in harmed:
        yield Violation(
            rule="repeated",
            subject=export.id,
            expected=f"export {export.id} to be claimed once: nothing disturbed its worker",
            got=f"{claims} claims",
        )


def _step(step: Transition) -> Iterator[Violation]:
    """Judge one change by itself: it has both the old state and the new one."""
    if step.is_claim and step.old_state == PREPARING:
        yield Violation(
            rule="two-owners",
            subject=step.export_id,
            expected=f"export {step.export_id} to have one owner at a time; "
            f"{step.old_claimed_by} held attempt {step.old_attempt}",
            got=step.describe(),
        )
    elif step.old_state == step.new_state:
        pass
    elif step.old_state in TERMINAL_STATES and (step.old_state, step.new_state) != (FAILED, QUEUED):
        yield Violation(
            rule="undecided",
            subject=step.export_id,
            expected=f"export {step.export_id} to stay {step.old_state}, which is final",
            got=step.describe(),
        )
    elif step.new_state not in (allowed := NEXT_STATES.get(step.old_state, frozenset())):
        yield Violation(
            rule="no-such-way",
            subject=step.export_id,
            expected=f"export {step.export_id} to go from {step.old_state or 'nothing'} to "
            f"{' or '.join(sorted(allowed))} only",
            got=step.describe(),
        )
    if step.new_attempt is None:
        return
    risen = step.new_attempt - (step.old_attempt or 0)
    if risen != int(step.is_claim):
        yield Violation(
            rule="attempt",
            subject=step.export_id,
            expected=f"attempt of export {step.export_id} to "
            + ("rise by one with a claim" if step.is_claim else "change with a claim only"),
            got=f"from {step.old_attempt} to {step.new_attempt}: {step.describe()}",
        )


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
