"""Which reporter a run is shown with: it depends on where the output goes."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from harness.events import Reporter
from harness.machine.streams import Output, output_on
from harness.reports.plain import PlainReporter

_TAKE_THE_TERMINAL = ("-s", "--capture=no", "--pdb", "--trace")


def own_stdout() -> Output:
    """Give standard output through a descriptor of its own.

    pytest captures what checks write by moving descriptor 1 away; the live display, which
    is drawn while checks run, must not end up in there.
    """
    sys.stdout.flush()
    return output_on(os.dup(sys.stdout.fileno()), sys.stdout, closes=True)


def choose_reporter(
    stream: TextIO, *, environment: Mapping[str, str], pytest_args: Sequence[str]
) -> Reporter:
    """Give the reporter for this output: colored on a terminal, plain lines in a pipe."""
    if not stream.isatty():
        return PlainReporter(stream)
    # Loaded here only: a pipe does without it, and starts that much sooner.
    from harness.reports.terminal import TerminalReporter
    from harness.reports.terminal_console import TerminalConsole

    return TerminalReporter(TerminalConsole(stream), live=_may_redraw(environment, pytest_args))


def _may_redraw(environment: Mapping[str, str], pytest_args: Sequence[str]) -> bool:
    in_ci = environment.get("CI", "").lower() not in ("", "0", "false")
    dumb = environment.get("TERM", "") in ("dumb", "unknown")
    shared = any(word in _TAKE_THE_TERMINAL for word in pytest_args)
    return not (in_ci or dumb or shared)
