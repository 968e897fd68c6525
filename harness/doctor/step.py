"""The result of one step of the doctor's walk."""

from dataclasses import dataclass
from typing import Literal

How = Literal["holds", "does not hold", "not looked at"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what was tried, what was seen, and what to write where it does not hold."""

    name: str
    how: How
    seen: str
    """What was seen, or why nothing could be, in a line."""
    request: str = ""
    """The request that shows it, as `curl`, and its answer; empty where none was sent."""
    log: str = ""
    """What an instance wrote before it failed."""
    hint: str = ""
    """What may be the reason, in a sentence."""
    lines: tuple[str, ...] = ()
    """Lines for the target file; `…` stands for what only its team knows."""
