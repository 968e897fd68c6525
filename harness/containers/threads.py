"""Calls to the engine that block, in threads: what was begun is always waited for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_POLL_S = 0.02


class Threads:
    """The threads of one connection to the engine."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="engine")

    async def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call something and wait for its end, even when canceled meanwhile.

        What it makes would otherwise appear after everything else has been removed.
        """
        return await self.make(partial(function, *args, **kwargs), lambda _: None)

    async def make(self, function: Callable[[], _T], undo: Callable[[_T], None]) -> _T:
        """As `call`; when canceled meanwhile, undo what it has made."""
        # No task and no future of the loop: one that is interrupted twice cancels all tasks, and
        # may lose a wake-up, but the thread still makes something.
        working = self._pool.submit(function)
        try:
            return await asyncio.shield(asyncio.wrap_future(working))
        except asyncio.CancelledError:
            while not working.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(_POLL_S)
            if working.exception() is None:
                undo(working.result())
            raise

    def finish(self) -> None:
        """Block until all that was begun has ended; nothing can be begun afterwards.

        Ctrl-C can end any wait above: this is the last one.
        """
        self._pool.shutdown()


async def until_canceled(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call something that blocks for long and makes nothing of the run's: a build, a pull.

    When canceled, it is not waited for: the engine gives it up when this process ends.
    """
    loop = asyncio.get_running_loop()
    made: asyncio.Future[_T] = loop.create_future()

    def work() -> None:
        report: Callable[[], None]
        try:
            report = partial(made.set_result, function(*args, **kwargs))
        except Exception as error:
            report = partial(made.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nothing waits any more
            loop.call_soon_threadsafe(lambda: None if made.done() else report())

    # A daemon: the end of the process does not wait for it either.
    threading.Thread(target=work, name=function.__name__, daemon=True).start()
    return await made
