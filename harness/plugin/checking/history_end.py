"""The last entry of a check in the history: what its verdict rests on besides the others."""

from collections.abc import Callable

import pytest

from harness.events import CheckResult
from harness.history import HistoryWriter
from harness.history.entries import Check, Found
from harness.plugin.checking.check_state import STATE
from harness.plugin.context import redactor_of
from harness.untrusted.sanitizing import shorten
from harness.verdict import Verdict

HISTORY = pytest.StashKey[HistoryWriter]()
"""Where a check writes its history, if it writes one."""


def end_history(item: pytest.Item, result: CheckResult) -> None:
    """Write it, if the check has a history."""
    history = item.stash.get(HISTORY, None)
    if history is None:
        return
    redact: Callable[[str], str] = redactor_of(item.config)
    outcomes = item.stash[STATE].outcomes
    still_open = [each for each in outcomes if each.verdict is Verdict.INCONCLUSIVE]
    history.append(
        Check,
        observed=result.observations,
        needed=result.needed_observations,
        found=tuple(_others(result, history)),
        open=tuple(shorten(redact(each.message)) for each in still_open),
    )


def _others(result: CheckResult, history: HistoryWriter) -> list[Found]:
    """Give the findings that were not made from the history itself."""
    return [
        Found(rule=each.rule, cell=dict(each.cell), blocked=is_blocked)
        for is_blocked, found in ((False, result.findings), (True, result.blocked))
        for each in found
        if dict(each.cell).get("what") not in history.judged
    ]
