"""Calls to the engine that block, in threads: what is begun is waited for, whatever happens."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_POLL_S = 0.02


class Threads:
    """The threads of one connection to the engine."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="engine")

    def begin(self, function: Callable[[], _T]) -> "Future[_T]":
        """Call something; what is given tells of its real end.

        It is no task and no future of the loop: one that is interrupted twice cancels all tasks,
        and may lose a wake-up, but the thread still makes something.
        """
        return self._pool.submit(function)

    async def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call something and wait for its end, even when cancelled meanwhile.

        What it makes would otherwise appear after everything else has been removed.
        """
        working = self.begin(partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(asyncio.wrap_future(working))
        except asyncio.CancelledError:
            await outlast(working)
            raise

    def finish(self) -> None:
        """Block until all that was begun has ended; nothing can be begun afterwards.

        Ctrl-C can strike in the midst of any wait above: this is the one that is left.
        """
        self._pool.shutdown()


async def outlast(working: "Future[Any]") -> None:
    """Wait until something has ended, however often whoever waits is cancelled meanwhile."""
    while not working.done():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(_POLL_S)


async def unless_cancelled(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call something that blocks for long and makes nothing of the run's: a build, a pull.

    When cancelled, it is not waited for: the engine gives it up when this process ends.
    """
    loop = asyncio.get_running_loop()
    made: asyncio.Future[_T] = loop.create_future()

    def work() -> None:
        told: Callable[[], None]
        try:
            told = partial(made.set_result, function(*args, **kwargs))
        except Exception as error:
            told = partial(made.set_exception, error)

        def tell() -> None:
            if not made.done():
                told()

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell)

    # A daemon: the end of the process does not wait for it either.
    threading.Thread(target=work, name=function.__name__, daemon=True).start()
    return await made
