"""Were there ever more exports of one organization in progress than its cap allows?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from harness.checkers.examples import Example, example
from harness.checkers.facts import Transition
from harness.checkers.violations import Violation
from harness.vocabulary.exports import PREPARING


def per_organization_cap(transitions: Iterable[Transition], cap: int) -> list[Violation]:
    """Give each claim that took an organization above `cap` exports in progress.

    `transitions` in order and from each export's insert on. A claim is written before it commits
    and a completion too, so what is counted is at most what any transaction could have seen: a
    right implementation is never above the cap here, however transactions overlap.
    Linear in the number of transitions.
    """
    return [
        _over(step, held, cap)
        for step, held, is_new in _in_progress(transitions)
        if is_new and len(held) > cap
    ]


def most_in_progress(transitions: Iterable[Transition]) -> dict[str, int]:
    """Give the most exports that each organization ever had in progress at once.

    A check that saw less than the cap has not tested it.
    """
    most: dict[str, int] = defaultdict(int)
    for step, held, _ in _in_progress(transitions):
        most[step.organization_id] = max(most[step.organization_id], len(held))
    return dict(most)


def _in_progress(
    transitions: Iterable[Transition],
) -> Iterator[tuple[Transition, Mapping[str, Transition], bool]]:
    """Each change, what its organization has in progress after it, and whether it added to that."""
    by_organization: dict[str, dict[str, Transition]] = defaultdict(dict)
    for step in transitions:
        held = by_organization[step.organization_id]
        is_new = step.new_state == PREPARING and step.export_id not in held
        if step.new_state == PREPARING:
            held[step.export_id] = step
        else:
            held.pop(step.export_id, None)
        yield step, held, is_new


def _over(step: Transition, held: Mapping[str, Transition], cap: int) -> Violation:
    others = ", ".join(
        f"{each.export_id} (by {each.new_claimed_by} since {each.at:%H:%M:%S.%f})"
        for each in held.values()
        if each.export_id != step.export_id
    )
    return Violation(
        rule="over-cap",
        subject=step.organization_id,
        expected=f"at most {cap} exports of organization {step.organization_id} in progress",
        got=f"export {step.export_id} claimed by {step.new_claimed_by} at "
        f"{step.at:%H:%M:%S.%f} while {others} were in progress: {len(held)} at once",
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
