"""Judging that each export was done exactly once, from rows, ledger and recorded changes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from harness.checkers import (
    ExportFacts,
    Transition,
    Violation,
    claims_are_visible,
    exactly_once,
    expect_no_violations,
    read_exports,
)
from harness.client import Organization
from harness.plugin.fixtures import OwnSystem
from harness.target import Target
from harness.vocabulary.exports import PREPARING

CAUSES = frozenset({"two-owners", "undecided", "no-such-way"})
"""Rules about how an export changed state: a breach of one explains most that is wrong later."""


async def expect_each_done_once(
    own: OwnSystem,
    target: Target,
    tenants: Sequence[Organization],
    accepted: Iterable[str],
) -> ExportFacts:
    """Fail unless each accepted export was done exactly once; return what was observed."""
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    transitions = observed.watched()
    expect_no_violations(claims_are_visible(transitions), transitions=transitions)
    expect_facts_done_once(observed, target, accepted)
    return observed


def expect_facts_done_once(
    observed: ExportFacts,
    target: Target,
    accepted: Iterable[str],
    *,
    reclaimed: Collection[str] = (),
) -> None:
    """The same of what was observed, without looking whether claims were committed in time.

    The `reclaimed` exports may have needed more than one attempt.
    """
    transitions = observed.watched()
    harmed = reclaimed_after_silence(transitions, target) | set(reclaimed)
    found = exactly_once(
        accepted, observed.exports, observed.completions, transitions, harmed=harmed
    )
    expect_done_once(found, transitions=transitions)


def reclaimed_after_silence(transitions: Iterable[Transition] | None, target: Target) -> set[str]:
    """The exports that recovery took back after a whole stuck timeout without a heartbeat.

    These checks stop no worker, but a machine can stall that long. To reclaim is then right.
    """
    if transitions is None or target.worker is None:
        return set()
    timeout = timedelta(seconds=target.worker.stuck_timeout_s)
    return {
        step.export_id
        for step in transitions
        if step.old_state == PREPARING
        and step.new_state == "queued"
        and step.heartbeat_at is not None
        and step.at >= step.heartbeat_at + timeout
    }


def expect_done_once(
    violations: Sequence[Violation],
    *,
    detail: str = "",
    transitions: Iterable[Transition] | None = None,
) -> None:
    """Fail on any violation; report causes before their consequences."""
    expect_no_violations(
        sorted(violations, key=lambda violation: violation.rule not in CAUSES),
        detail=detail,
        transitions=transitions,
    )
