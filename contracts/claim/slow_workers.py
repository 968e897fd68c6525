"""Workers that take their time over each export, so that several are in progress at once."""

from harness.target import Target

WORK_S = 0.1
"""How long a slow worker works on one export."""


def slow_worker_environment(target: Target) -> dict[str, str]:
    """The environment of a slow worker; empty where the target has no failpoints."""
    if target.failpoints is None:
        return {}
    return target.failpoints.environment({"while_working": f"sleep:{WORK_S:g}"})
