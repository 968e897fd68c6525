"""Keeps pytest's own terminal output away: the reporters show the run instead."""

from typing import Any

import pytest


class QuietTerminal:
    """Stands in for pytest's terminal reporter, which its debugger and xdist ask for by name.

    It takes what they write and shows nothing of it. Only the debugger, which belongs to the
    person at the keyboard, writes to the real terminal, through `_tw`.
    """

    hasmarkup = False
    isatty = False
    showfspath = False
    verbosity = 0

    def __init__(self, config: pytest.Config) -> None:
        self._tw = config.get_terminal_writer()

    def _swallow(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401
        pass

    write = write_line = write_sep = write_raw = rewrite = _swallow
    section = line = ensure_newline = flush = _swallow


def silence(config: pytest.Config) -> None:
    """Put the quiet terminal in the place of pytest's reporter."""
    standard = config.pluginmanager.get_plugin("terminalreporter")
    if standard is not None:
        quiet = QuietTerminal(config)
        config.pluginmanager.unregister(standard)
        config.pluginmanager.register(quiet, "terminalreporter")
