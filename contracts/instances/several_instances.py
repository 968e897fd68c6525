"""For checks that compare instances, and need at least two of them."""

from harness.errors import Inconclusive


def several(instances: int) -> list[int]:
    """Give the instances' numbers; `Inconclusive` where there is only one to look at."""
    if instances < 2:
        raise Inconclusive("this target has one API instance, so there is no other to compare with")
    return list(range(instances))
