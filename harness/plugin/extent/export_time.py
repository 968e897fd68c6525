"""How much longer a check takes where a target's `[pace]` is slow: by the exports that it makes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harness.check import plain_id
from harness.target.tables.pace import AHEAD, Pace

UNKNOWN_EXPORTS = 8
"""How many exports a check of a team's own is taken to make."""

DEADLINE_FACTOR = 2.0
"""How much longer than expected the exports of a check may take before it is canceled."""


def extra_s(check_id: str, pace: Pace) -> float:
    """Give how much longer a check is expected to take at a pace than on the reference backend."""
    return pace.seconds_for(_made(check_id, pace))


def deadline_s(check_id: str, usual_s: float, pace: Pace) -> float:
    """Give the deadline of a check whose usual one is `usual_s`: a slow pace makes it longer."""
    return usual_s + DEADLINE_FACTOR * pace.seconds_for(_made(check_id, pace) + AHEAD)


@dataclass(frozen=True, kw_only=True)
class ExportCount:
    """How many exports a check lets workers make."""

    usual: int
    fewest: int
    """What it makes of them however slow they are."""


@cache
def export_counts() -> Mapping[str, ExportCount]:
    """Give how many exports each of our checks makes, by its id."""
    text = (files("harness.plugin.extent") / "exports.toml").read_text(encoding="utf-8")
    return {
        name: ExportCount(**count) if isinstance(count, dict) else _always(count)
        for name, count in tomllib.loads(text).items()
    }


def _always(count: int) -> ExportCount:
    return ExportCount(usual=count, fewest=count)


def _made(check_id: str, pace: Pace) -> int:
    count = export_counts().get(plain_id(check_id), _always(UNKNOWN_EXPORTS))
    return pace.amount(count.usual, fewest=count.fewest) if count.usual else 0
