"""The times of recovery that a target declares, if a drill can wait for them."""

from collections.abc import Mapping

from harness.checkers import RecoveryTimes
from harness.errors import Inconclusive
from harness.target import Target

LONGEST_STUCK_TIMEOUT_S = 10.0
"""Longer ones are for production: a drill would have to wait for them."""

SLACK_S = 2.0
"""What a sweep may take on a busy machine, on top of the interval between two of them."""

_TIMES = frozenset({"stuck_timeout_s", "heartbeat_interval_s", "drain_grace_s"})


def with_own_times(target: Target, values: Mapping[str, str]) -> Target:
    """Give the target as if it declared the times that it fills in from a drill's `values`.

    How leases are read rests on them, too.
    """
    own = {name: float(values[name]) for name in _TIMES & values.keys() if target.mentions(name)}
    worker = target.worker and target.worker.model_copy(update=own)
    return target.model_copy(update={"worker": worker})


def recovery_times(target: Target) -> RecoveryTimes:
    """Give the times that are declared; `Inconclusive` when they are too long to wait for."""
    worker = target.worker
    if worker is None:
        raise Inconclusive("the target file has no [worker]: its recovery times are unknown")
    if worker.stuck_timeout_s > LONGEST_STUCK_TIMEOUT_S:
        raise Inconclusive(
            f"[worker] stuck_timeout_s = {worker.stuck_timeout_s:g}: a drill waits for it, so it "
            f"must be at most {LONGEST_STUCK_TIMEOUT_S:g} s (the contract goes down to 1 s)"
        )
    return RecoveryTimes(
        stuck_timeout_s=worker.stuck_timeout_s,
        sweep_interval_s=worker.sweep_interval_s,
        slack_s=SLACK_S,
    )
