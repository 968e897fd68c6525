"""`[pace]`: how fast a backend makes exports, and what follows from it for checks.

Amounts, floors and waits of checks are those of a backend that makes small exports at once. One
whose worker takes an export every few seconds makes fewer in the same time: how many fewer, and
how much longer each wait may last, is worked out here and nowhere else.
"""

import math

from harness.target.tables.models import Positive, Seconds, Table

BUDGET_S = 45.0
"""How long the exports may take that one check makes for their number's sake."""

AHEAD = 40
"""Exports that may be in the queue before the one that is waited for: of checks before."""


class Pace(Table):
    """How long an export takes, and how many the whole system works on at a time."""

    export_s: Seconds | None = None
    """How long a small export may take from its claim until it is ready, polls included. None:
    no time worth speaking of."""
    at_once: Positive = 1

    def seconds_for(self, exports: int) -> float:
        """Give how long the whole system takes for so many exports; 0 where no pace is said."""
        return math.ceil(exports / self.at_once) * (self.export_s or 0.0)

    def wait_s(self, usual_s: float, exports: int = 1) -> float:
        """Give how long to wait until so many exports are ready, where it is usually `usual_s`."""
        return usual_s + self.seconds_for(exports + AHEAD)

    def poll_s(self, usual_s: float) -> float:
        """Give how long to wait between two looks at an export: a slow one is asked less often."""
        return max(usual_s, min(0.5, (self.export_s or 0.0) / 10))

    def amount(self, usual: int, *, fewest: int = 1) -> int:
        """Give how many exports a check makes that usually makes so many.

        As many as fit into `BUDGET_S`; never fewer than `fewest`, below which it would look at
        nothing, and never more than usual.
        """
        if self.export_s is None:
            return usual
        fit = int(BUDGET_S / self.export_s) * self.at_once
        return max(min(usual, fit), min(usual, fewest), 1)

    def reaches(self, wanted: int, *, of: int) -> bool:
        """Say whether the system can work on so many at a time, when `of` so many wait."""
        return self.export_s is None or min(self.at_once, of) >= wanted

    def reason(self, made: int, usual: int) -> str:
        """Say why a check makes fewer exports than usual."""
        return (
            f"an export takes up to {self.export_s:g} s here, {self.at_once} at a time ([pace]): "
            f"{made} exports instead of {usual}"
        )


NO_PACE = Pace()
"""The pace of a backend of which nothing is said."""
