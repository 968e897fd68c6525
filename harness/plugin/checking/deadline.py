"""A check is given so many seconds; then it is canceled and its question stays open."""

import asyncio
import functools
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from harness.errors import Inconclusive
from harness.plugin.judging.findings import describe_place

WATCHDOG_SLACK_S = 30
"""How much longer a check may take to clean up after its deadline before it is interrupted."""


class Deadline:
    """The seconds of one check, counted from the first time it is entered."""

    def __init__(self, seconds: float, check_path: Path) -> None:
        self._seconds = seconds
        self._check_path = check_path
        self._ends_at: float | None = None

    def bound(self, function: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """Wrap a check so that it ends within the deadline.

        A check that raises `CheckFailed` while it is being canceled has still failed. Hypothesis
        calls the wrapped function once per example: the deadline is that of all of them together.
        """

        @functools.wraps(function)
        async def bounded(*args: object, **kwargs: object) -> None:
            if self._ends_at is None:
                self._ends_at = time.monotonic() + self._seconds
            clock = asyncio.timeout(self._ends_at - time.monotonic())
            try:
                async with clock:
                    await function(*args, **kwargs)
            except TimeoutError as error:
                if not clock.expired():
                    raise
                raise self._exceeded(error) from error

        return bounded

    def _exceeded(self, error: TimeoutError) -> Inconclusive:
        # The cancellation that the timeout sent in carries the frames it was raised through.
        cancelled = error.__cause__ or error.__context__ or error
        place = describe_place(cancelled.__traceback__, self._check_path)
        at = f", at {place}" if place else ""
        return Inconclusive(f"not done after {self._seconds:g} s (its deadline){at}")


@contextmanager
def watchdog(seconds: float, what: str) -> Iterator[None]:
    """Interrupt code that blocks the event loop in the main thread, `seconds` from now.

    A deadline of asyncio's cannot interrupt `time.sleep` or an endless computation; a signal can.
    Elsewhere than in the main thread there are no signals, and this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def bark(_number: int, frame: FrameType | None) -> None:
        place = f" in {frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
        raise Inconclusive(
            f"{what} still ran after {seconds:g} s and did not react to being canceled: "
            f"something blocks the event loop{place}"
        )

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
