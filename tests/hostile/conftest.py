"""Prints what every hostile case came to, under the tests."""

from itertools import chain

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        (report.nodeid.partition("[")[2].rstrip("]"), value)
        for report in chain.from_iterable(
            terminalreporter.stats.get(outcome, ()) for outcome in ("passed", "failed")
        )
        if report.when == "call"
        for name, value in report.user_properties
        if name == "hostile"
    ]
    if rows:
        terminalreporter.section("hostile backend: verdict, time, peak memory")
        for case, told in rows:
            terminalreporter.write_line(f"{case:<60} {told}")
