"""What a phase of a check ended in, and whether a check saw enough for a pass."""

import pytest

from harness.check import matches_id
from harness.plugin.cells import EnoughSeen
from harness.plugin.checking.check_state import CheckState
from harness.plugin.collecting.collection import SPEC
from harness.plugin.judging.findings import Outcome, outcome_of
from harness.plugin.settings import settings_of
from harness.verdict import Verdict


def outcome_of_phase(
    item: pytest.Item, call: pytest.CallInfo[None], state: CheckState
) -> Outcome | None:
    """Say what a phase ended in, None for a plain end; a failure is kept as a finding."""
    if state.missing and call.when == "setup":
        lacking = ", ".join(sorted(state.missing))
        return _open(f"this target does not offer: {lacking}")
    if call.excinfo is not None:
        ended = call.excinfo.value
        if isinstance(ended, EnoughSeen):
            return _of_cells(item, state)
        outcome = state.cells.judged(ended, state.recent)
        if outcome.verdict is Verdict.FAIL:
            state.cells.take(outcome, state.recent)
        return outcome
    return _of_cells(item, state) if call.when == "call" else None


def too_little(seen: str, needed: int, absent: str) -> str:
    """Say that a check has seen too little for a pass, and what is absent that it is about."""
    why = f"; the target declares {absent} absent" if absent else ""
    return f"observed {seen} of the {needed} that a pass needs{why}"


def _of_cells(item: pytest.Item, state: CheckState) -> Outcome | None:
    """Say what the cells add up to, after a check that has gone through them all."""
    cells = state.cells
    if cells.findings:
        return outcome_of(cells.findings[0], Verdict.FAIL)
    if cells.blocked:
        return outcome_of(cells.blocked[0], Verdict.INCONCLUSIVE)
    counts = cells.counts()
    if counts.not_looked_at:
        reasons = "; ".join(reason for reason, _ in counts.reasons)
        return _open(f"{counts.not_looked_at} of {counts.total} cells not looked at: {reasons}")
    names = ", ".join(name for name, _ in counts.absent_names)
    if counts.absent and not counts.judged:
        return _open(f"nothing is left to look at: the target declares {names} absent")
    if state.observations.count < (needed := needed_observations(item, state)):
        return _open(too_little(str(state.observations), needed, names))
    return None


def needed_observations(item: pytest.Item, state: CheckState) -> int:
    """How many observations a pass needs: fewer where the target declares something absent.

    By the share of the cells that were taken away, and half of that: cells are of unequal weight,
    and what a check left out by itself never became one.
    """
    needed = state.observations.still_needed(item.stash[SPEC].observes)
    counts = state.cells.counts()
    if counts.absent or state.asked.left_out:
        judged = counts.judged + counts.blocked + counts.not_looked_at
        needed = max(1, needed * judged // max(1, judged + counts.absent) // 2)
    return needed


def _open(why: str) -> Outcome:
    return Outcome(verdict=Verdict.INCONCLUSIVE, message=why)


def is_allowed(item: pytest.Item) -> bool:
    """Whether the check may be inconclusive, as the command line says."""
    return matches_id(item.stash[SPEC].id, settings_of(item.config).allow_inconclusive)
