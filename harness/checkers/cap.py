"""Were there ever more exports of one organization in progress than its cap allows?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from harness.checkers.as_entries import FIXED, of_transitions
from harness.checkers.examples import Example, example
from harness.checkers.facts import Transition
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker, clock, fold
from harness.checkers.states import expect_watched
from harness.checkers.violations import Violation
from harness.history import entries
from harness.vocabulary.exports import PREPARING


class Cap(Checker):
    """No organization ever has more exports in progress than its cap allows.

    A claim is written before it commits and a completion too, so what is counted is at most what
    any transaction could have seen: a right implementation is never above the cap here, however
    transactions overlap. One that is silent counts until it is taken back.
    """

    name = "cap"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._held: dict[str | None, dict[int, entries.Transition]] = {}

    @property
    def takes(self) -> Mapping[type[entries.Entry], Taker]:
        """Every change."""
        return {entries.Transition: self._take}

    def _take(self, step: entries.Transition, number: int) -> None:
        held = self._held.get(step.org)
        if step.new_state == PREPARING:
            if held is None:
                held = self._held[step.org] = {}
            is_new = number not in held
            held[number] = step
            cap = self.facts.promise.cap
            if is_new and cap is not None and len(held) > cap:
                self.found.append(_over(step, held, cap))
        elif held is not None:
            held.pop(number, None)
            if not held:  # of many organizations only those with work in progress are kept
                del self._held[step.org]

    def violations(self, judge: entries.Judge) -> list[Violation]:
        """Give each claim that took an organization above its cap."""
        expect_watched(judge)
        if self.facts.promise.cap is None:
            raise NotLookedAt("no cap is promised")
        return self.found


def per_organization_cap(transitions: Iterable[Transition], cap: int) -> list[Violation]:
    """Give each claim that took an organization above `cap` exports in progress.

    `transitions` in order and from each export's insert on. Linear in their number.
    """
    promise = entries.Promise(cap=cap, **FIXED)
    judge = entries.Judge(what="", watched=True, **FIXED)
    return fold([Cap], [promise, *of_transitions(transitions)], judge)


def most_in_progress(transitions: Iterable[Transition]) -> dict[str, int]:
    """Give the most exports that each organization ever had in progress at once.

    A check that saw less than the cap has not tested it.
    """
    most: dict[str, int] = defaultdict(int)
    for organization, count in _in_progress(transitions):
        most[organization] = max(most[organization], count)
    return dict(most)


def _in_progress(transitions: Iterable[Transition]) -> Iterator[tuple[str, int]]:
    """After each change, how many exports its organization has in progress."""
    by_organization: dict[str, set[str]] = defaultdict(set)
    for step in transitions:
        held = by_organization[step.organization_id]
        if step.new_state == PREPARING:
            held.add(step.export_id)
        else:
            held.discard(step.export_id)
        yield step.organization_id, len(held)


def _over(step: entries.Transition, held: Mapping[int, entries.Transition], cap: int) -> Violation:
    others = ", ".join(
        f"{each.job} (by {each.new_worker} since {clock(each.at_us)})"
        for each in held.values()
        if each.job != step.job
    )
    return Violation(
        rule="over-cap",
        subject=step.org or "",
        expected=f"at most {cap} exports of organization {step.org} in progress",
        got=f"export {step.job} claimed by {step.new_worker} at "
        f"{clock(step.at_us)} while {others} were in progress: {len(held)} at once",
    )


CAP_OF_EXAMPLES = 2

ACCEPTS: tuple[Example, ...] = (
    example("nothing happened", ""),
    example(
        "two at once, then two more",
        "o1.e1 queued, o1.e2 queued, o1.e3 queued, o1.e4 queued, "
        "o1.e1 claimed w1, o1.e2 claimed w2, o1.e1 ready, o1.e3 claimed w1, o1.e2 failed, "
        "o1.e4 claimed w2",
    ),
    example(
        "each organization has its own",
        "o1.e1 queued, o1.e2 queued, o2.e3 queued, "
        "o1.e1 claimed w1, o1.e2 claimed w1, o2.e3 claimed w1",
    ),
    example(
        "an export that goes back makes room, one that is claimed again takes none",
        "o1.e1 queued, o1.e2 queued, o1.e3 queued, "
        "o1.e1 claimed w1, o1.e2 claimed w2, o1.e1 returned, o1.e3 claimed w2, "
        "o1.e3 claimed w1, o1.e2 canceled, o1.e1 claimed w1",
    ),
)

REJECTS: tuple[Example, ...] = (
    example(
        "counted before the others' claims were to be seen",
        "o1.e1 queued, o1.e2 queued, o1.e3 queued, "
        "o1.e1 claimed w1, o1.e2 claimed w2, o1.e3 claimed w3",
        rule="over-cap",
    ),
    example(
        "room is made by the other organization only",
        "o1.e1 queued, o1.e2 queued, o1.e3 queued, o2.e4 queued, "
        "o2.e4 claimed w1, o1.e1 claimed w1, o1.e2 claimed w1, o2.e4 ready, "
        "o1.e3 claimed w1",
        rule="over-cap",
    ),
)
