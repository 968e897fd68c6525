"""The width of a terminal is its own, whatever standard streams are at that moment."""

import fcntl
import os
import pty
import struct
import termios

import pytest

from harness.reports.terminal_console import TerminalConsole


@pytest.mark.parametrize("columns", [40, 132])
def test_it_is_as_wide_as_what_it_writes_to(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(terminal, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        assert TerminalConsole(stream).size == (columns, 24)
        assert TerminalConsole(stream).width == columns
        monkeypatch.setenv("COLUMNS", "100")
        assert TerminalConsole(stream).width == 100
    os.close(controller)
