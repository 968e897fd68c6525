"""How long exports waited until a worker claimed them, by their recorded changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.checkers import Transition
from harness.vocabulary.exports import PREPARING, QUEUED


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One export in the queue. All moments are of one clock: the database's, where it is seen."""

    export_id: str
    since: datetime
    """When it was queued, or when a worker could first take it."""
    claimed_at: datetime | None
    """None: it still waits."""

    def seconds(self, now: datetime) -> float:
        """Give how long it has waited by now."""
        return ((self.claimed_at or now) - self.since).total_seconds()


def waits(steps: Sequence[Transition], exports: Collection[str], since: datetime) -> list[Wait]:
    """Give the last wait of each export that began at a moment or later."""
    found: dict[str, Wait] = {}
    for step in steps:
        if step.export_id not in exports or step.at < since:
            continue
        if step.is_claim and step.old_state == PREPARING:  # taken over without waiting
            found[step.export_id] = Wait(
                export_id=step.export_id, since=step.at, claimed_at=step.at
            )
        elif step.new_state == QUEUED:
            found[step.export_id] = Wait(export_id=step.export_id, since=step.at, claimed_at=None)
        elif step.is_claim and (wait := found.get(step.export_id)) and wait.claimed_at is None:
            found[step.export_id] = Wait(
                export_id=step.export_id, since=wait.since, claimed_at=step.at
            )
    return list(found.values())


def waits_for_a_place(
    steps: Sequence[Transition], exports: Collection[str], since: datetime
) -> list[Wait]:
    """Give how long each export waited after a moment, or after the last end of one since then.

    For exports that were queued before, when no worker could take them.
    """
    claimed = {
        step.export_id: step.at for step in steps if step.export_id in exports and step.is_claim
    }
    ends = [
        step.at
        for step in steps
        if step.old_state == PREPARING and step.new_state != PREPARING and step.at >= since
    ]
    found = []
    for each in exports:
        at = claimed.get(each)
        earlier = [end for end in ends if at is None or end <= at]
        found.append(Wait(export_id=each, since=max(earlier, default=since), claimed_at=at))
    return found


def describe(found: Sequence[Wait], now: datetime) -> Mapping[str, str]:
    """Say of each export how long it waited."""
    return {
        each.export_id: f"{'claimed after' if each.claimed_at else 'still queued after'} "
        f"{each.seconds(now):.2f} s"
        for each in found
    }
