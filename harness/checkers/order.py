"""Were exports claimed in the order of their age?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from harness.checkers.facts import Transition
from harness.checkers.violations import Violation
from harness.vocabulary.exports import PREPARING, QUEUED


def overtaken(
    transitions: Sequence[Transition],
    created: Mapping[str, datetime],
    *,
    cap: int,
    slack: int,
) -> list[Violation]:
    """Give each export that more than `slack` younger ones overtook while it could be claimed.

    An export can be claimed while it is queued and its organization has less than `cap` in
    progress. What one transaction claims has no order. Several workers at once may each be passed
    by the others for a moment, which is what `slack` is for. `transitions` in order and from each
    export's insert on; exports that are not in `created` are not judged.
    Takes the number of claims times the length of the queue.
    """
    together: dict[int | None, set[str]] = defaultdict(set)
    for step in transitions:
        if step.is_claim and step.txid is not None:
            together[step.txid].add(step.export_id)
    queued: dict[str, str] = {}
    in_progress: dict[str, set[str]] = defaultdict(set)
    overtakers: dict[str, list[Transition]] = defaultdict(list)
    for step in transitions:
        if step.is_claim and step.export_id in created:
            for older, organization in queued.items():
                if (
                    created[older] < created[step.export_id]
                    and len(in_progress[organization]) < cap
                    and older not in together[step.txid]
                ):
                    overtakers[older].append(step)
        queued.pop(step.export_id, None)
        in_progress[step.organization_id].discard(step.export_id)
        if step.new_state == QUEUED and step.export_id in created:
            queued[step.export_id] = step.organization_id
        elif step.new_state == PREPARING:
            in_progress[step.organization_id].add(step.export_id)
    return [
        Violation(
            rule="overtaken",
            subject=export_id,
            expected=f"export {export_id}, created at {created[export_id]:%H:%M:%S.%f}, to be "
            f"claimed before younger ones (but for {slack} that others were claiming meanwhile)",
            got=f"{len(steps)} younger ones claimed while it was queued and claimable, the first "
            f"of them {steps[0].export_id}, created at "
            f"{created[steps[0].export_id]:%H:%M:%S.%f}",
        )
        for export_id, steps in overtakers.items()
        if len(steps) > slack
    ]


def rank_correlation(claimed: Iterable[str], created: Mapping[str, datetime]) -> float:
    """Say how well the order of claims agrees with age: 1 the oldest first, -1 the youngest first.

    Spearman's coefficient over the first claim of each export; 0 for fewer than two.
    """
    order = [each for each in dict.fromkeys(claimed) if each in created]
    if len(order) < 2:
        return 0.0
    by_age = {each: rank for rank, each in enumerate(sorted(order, key=created.__getitem__))}
    squares = sum((rank - by_age[each]) ** 2 for rank, each in enumerate(order))
    return 1 - 6 * squares / (len(order) * (len(order) ** 2 - 1))
