"""Places where a test can pause, fail or kill a process. Off unless FAILPOINTS names them.

``FAILPOINTS="after_claim=sleep:30;before_commit=exit:9;while_working=raise"``
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Name = Literal[
    "after_claim", "while_working", "before_store", "after_store", "before_commit", "after_commit"
]
NAMES: tuple[Name, ...] = get_args(Name)
GRAMMAR = (
    f"name=action, separated by semicolons; names: {', '.join(NAMES)}; "
    "actions: sleep:SECONDS, raise, exit[:CODE]"
)
DEFAULT_EXIT_CODE = 70

logger = logging.getLogger(__name__)


class FailpointSyntaxError(Exception):
    """FAILPOINTS has a wrong syntax."""


class FailpointReached(Exception):
    """Raised by the action ``raise``, as an unexpected error."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """What happens at a failpoint. ``amount`` is seconds to sleep or the exit code."""

    kind: Literal["sleep", "raise", "exit"]
    amount: float = 0.0


_actions: Mapping[str, Action] = {}


def parse(text: str) -> dict[str, Action]:
    """The actions by failpoint; raises FailpointSyntaxError."""
    return dict(_parse_item(item.strip()) for item in text.split(";") if item.strip())


def configure(text: str) -> None:
    """Arm the failpoints of this process, replacing those armed before."""
    global _actions
    _actions = parse(text)
    if _actions:
        logger.warning("failpoints are armed: %s", text)


async def reach(name: Name) -> None:
    """Run the action of this failpoint, if it has one. Heartbeats continue during a sleep."""
    action = _actions.get(name)
    if action is None:
        return
    logger.warning("failpoint %s: %s %g", name, action.kind, action.amount)
    match action.kind:
        case "sleep":
            await asyncio.sleep(action.amount)
        case "raise":
            raise FailpointReached(name)
        case "exit":
            os._exit(int(action.amount))  # like a crash: no handlers, no flushing


def _parse_item(item: str) -> tuple[str, Action]:
    name, _, action = item.partition("=")
    kind, _, amount = action.partition(":")
    try:
        if name not in NAMES:
            raise ValueError
        match kind:
            case "sleep" if float(amount) >= 0:
                return name, Action(kind="sleep", amount=float(amount))
            case "raise" if not amount:
                return name, Action(kind="raise")
            case "exit":
                return name, Action(kind="exit", amount=int(amount or DEFAULT_EXIT_CODE))
            case _:
                raise ValueError
    except ValueError:
        raise FailpointSyntaxError(f"FAILPOINTS: {item!r}: expected {GRAMMAR}") from None
