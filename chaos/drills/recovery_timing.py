"""What a target promises about recovery, as far as a drill can wait for it."""

from harness.checkers import RecoveryTimes
from harness.errors import Inconclusive
from harness.target import Target

LONGEST_STUCK_TIMEOUT_S = 10.0
"""Longer ones are for production; the drill would have to wait for them."""

SLACK_S = 2.0
"""What a sweep may take on a busy machine, on top of the interval between two of them."""


def recovery_times(target: Target) -> RecoveryTimes:
    """What the target promises about recovery; `Inconclusive` when that is too slow to watch."""
    worker = target.worker
    if worker is None:
        raise Inconclusive("the target file has no [worker]: nobody works on exports")
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
