"""Ctrl-C, SIGTERM and SIGHUP end a run in good order: once, and with everything taken down."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_PATIENCE = b"\nstill taking the system down; it has a deadline\n"
_POLITE = (signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Whether, and by which signal, a run was asked to stop."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._concluded = False

    @property
    def exit_code(self) -> int | None:
        """128 + the signal's number, as shells have it; None without an interruption."""
        return None if self.signal is None else 128 + self.signal

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Turn SIGTERM and SIGHUP into what Ctrl-C does: `KeyboardInterrupt`, raised once.

        SIGINT itself keeps Python's own handler, which is the one asyncio replaces while it runs:
        then the running check is canceled, and cleans up, before anything is raised.
        """
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *_POLITE)}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in _POLITE:
            signal.signal(number, self._as_interrupt)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, signal.SIG_IGN if self._concluded else handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Put off what a signal does until the block is over, for steps that must be whole."""
        struck: list[int] = []
        handlers = {
            number: signal.signal(number, lambda number, _frame: struck.append(number))
            for number in (signal.SIGINT, *_POLITE)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if struck:
                signal.raise_signal(struck[0])

    def note(self) -> None:
        """Take note of a `KeyboardInterrupt`; without a signal before it, it was Ctrl-C."""
        self.signal = self.signal or signal.SIGINT

    def shield(self) -> None:
        """From now on let no signal disturb the tear-down, which has deadlines of its own."""
        for number in (signal.SIGINT, *_POLITE):
            signal.signal(number, self._remember)

    def conclude(self) -> None:
        """Ignore signals until the process ends: how it ends is written down already."""
        self._concluded = True
        for number in (signal.SIGINT, *_POLITE):
            signal.signal(number, signal.SIG_IGN)

    def _as_interrupt(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        signal.raise_signal(signal.SIGINT)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        # Straight to the descriptor: a signal may come in the middle of a buffered write.
        os.write(2, _PATIENCE)
