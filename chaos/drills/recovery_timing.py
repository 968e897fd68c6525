"""The times of recovery that a target declares, if a drill can wait for them."""

from harness.checkers import RecoveryTimes
from harness.errors import Inconclusive
from harness.target import Target

LONGEST_STUCK_TIMEOUT_S = 10.0
"""Longer ones are for production: a drill would have to wait for them."""

SLACK_S = 2.0
"""What a sweep may take on a busy machine, on top of the interval between two of them."""


def recovery_times(target: Target) -> RecoveryTimes:
    """Give the declared times; `Inconclusive` when they are too long to wait for."""
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
