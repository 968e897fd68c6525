"""Standard streams that are closed or full, or whose reader has gone."""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

_NAMES = ("stdin", "stdout", "stderr")


class Output(io.TextIOWrapper):
    """A text stream that loses what cannot be written instead of ending the program.

    What a command prints never decides how it ends: its reports and its exit code do.
    """

    lost: OSError | None = None
    """Why the stream takes no more; None while it does."""

    def write(self, text: str, /) -> int:
        """Write, unless the stream was lost."""
        if self.lost is None:
            try:
                return super().write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the stream was lost."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        if self.lost is not None:
            return
        self.lost = error
        # What the buffers still hold goes nowhere, and Python does not complain at its end.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def output_on(descriptor: int, like: TextIO, *, closes: bool) -> Output:
    """Give a stream on a descriptor, encoded as another one; `closes` it with the stream.

    What its encoding cannot show is escaped.
    """
    raw = open(descriptor, "wb", closefd=closes)  # noqa: SIM115 - a descriptor
    return Output(raw, like.encoding, "backslashreplace", line_buffering=True)


def open_missing() -> None:
    """Open the null device in place of standard streams that are closed.

    Otherwise the next file or socket would get their number, and be written to by whatever
    prints, or be closed by whatever moves a standard stream away.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            _put(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(number, mode, closefd=False, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def guard_outputs() -> tuple[Output, Output] | None:
    """Replace standard output and error by streams that may be lost; None if they are not real."""
    guarded = []
    for stream in (sys.stdout, sys.stderr):
        try:
            guarded.append(output_on(stream.fileno(), stream, closes=False))
        except (OSError, ValueError):
            return None
    sys.stdout, sys.stderr = guarded
    return guarded[0], guarded[1]


def reader_is_gone(error: OSError) -> bool:
    """Say whether a stream was lost because its reader wanted no more, as `head` does."""
    return error.errno == errno.EPIPE


def _put(descriptor: int, number: int) -> None:
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)
