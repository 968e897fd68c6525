"""Exports on a system of the check's own: its workers take their time, its database tells all."""

from collections.abc import Collection, Iterable, Sequence

from contracts.claim.export_batches import expect_done_once, reclaimed_after_silence
from harness.checkers import (
    ExportFacts,
    claims_are_visible,
    exactly_once,
    expect_no_violations,
    read_exports,
)
from harness.client import Organization
from harness.plugin.fixtures import OwnSystem
from harness.target import Target

BUSY_S = 0.1
"""How long a slowed-down worker stays at one export, so that exports of one organization meet."""


def slow_worker_environment(target: Target) -> dict[str, str]:
    """The environment of a worker that takes its time; empty where it cannot be made to."""
    if target.failpoints is None:
        return {}
    return target.failpoints.environment({"while_working": f"sleep:{BUSY_S:g}"})


async def expect_each_done_once(
    own: OwnSystem,
    target: Target,
    tenants: Sequence[Organization],
    accepted: Iterable[str],
    *,
    harmed: Collection[str] = (),
) -> ExportFacts:
    """Fail unless each accepted export was done exactly once; give what was seen of them.

    Those that are `harmed` may have needed more than one attempt.
    """
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    transitions = observed.watched()
    harmed = reclaimed_after_silence(transitions, target) | set(harmed)
    expect_no_violations(claims_are_visible(transitions))
    expect_done_once(
        exactly_once(accepted, observed.exports, observed.completions, transitions, harmed=harmed)
    )
    return observed
