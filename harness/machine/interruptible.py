"""Running a coroutine that every Ctrl-C cancels, so that it can clean up."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run_interruptible(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine as `asyncio.run` does; each Ctrl-C cancels it, none cuts it off.

    Raises `KeyboardInterrupt` when it has ended after that. asyncio's own handler raises at the
    second one, in the callback that the loop is at: the wake-up that is lost there may be what
    the tear-down waits for, for ever. Not for a tear-down that `Interruption.shield` guards: a
    signal would cancel that, too.
    """
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(main)
    struck = 0

    async def listening() -> _T:
        task = asyncio.current_task()
        assert task is not None

        def strike() -> None:
            nonlocal struck
            struck += 1
            task.cancel()

        # In place of the one that asyncio.run has put there; it goes when the loop is closed.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, strike)
        return await main

    try:
        return asyncio.run(listening())
    except asyncio.CancelledError:
        if struck:
            raise KeyboardInterrupt from None
        raise
