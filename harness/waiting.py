"""Waiting for a condition: the one loop with a deadline, which says what it waited for."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

from harness.errors import Misconfigured

T = TypeVar("T")

POLL_S = 0.01


@overload
async def wait_until(
    condition: Callable[[], Awaitable[T]],
    within_s: float,
    what: str,
    *,
    poll_s: float = POLL_S,
    error: Callable[[str], BaseException] = Misconfigured,
) -> T: ...


@overload
async def wait_until(
    condition: Callable[[], T],
    within_s: float,
    what: str,
    *,
    poll_s: float = POLL_S,
    error: Callable[[str], BaseException] = Misconfigured,
) -> T: ...


async def wait_until(
    condition: Callable[[], T] | Callable[[], Awaitable[T]],
    within_s: float,
    what: str,
    *,
    poll_s: float = POLL_S,
    error: Callable[[str], BaseException] = Misconfigured,
) -> T:
    """Call `condition`, async or not, until it gives something true, and return that.

    It is called at least once, and once more when the `within_s` seconds are over. Raises what
    `error` makes of "timed out after 5 s waiting for …" when it is still false then; what
    `condition` itself raises goes through.
    """
    end = time.monotonic() + within_s
    while True:
        is_over = time.monotonic() >= end
        outcome = condition()
        value = await outcome if inspect.isawaitable(outcome) else outcome
        if value:
            return value
        if is_over:
            raise error(f"timed out after {within_s:g} s waiting for {what}")
        await asyncio.sleep(poll_s)


async def becomes_true(
    condition: Callable[[], object], within_s: float, *, poll_s: float = POLL_S
) -> bool:
    """Wait as `wait_until` does; return whether `condition` became true in time."""
    try:
        await wait_until(condition, within_s, "a condition", poll_s=poll_s, error=_TimeIsOver)
    except _TimeIsOver:
        return False
    return True


class _TimeIsOver(Exception):
    """The condition was still false at the end."""
