"""Which changes between two snapshots are reported."""

from collections.abc import Callable
from typing import Any

import pytest

from chaos.exports.final_state import differences


def snapshot() -> dict[str, Any]:
    return {
        "export e": {"state": "ready", "attempt": 1},
        "events of e": [{"ledger_seq": 2, "event_name": "y"}],
        "bytes of e": b"x",
    }


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda after: after["export e"].update(attempt=2), ("attempt of export e", "1", "2")),
        (lambda after: after["export e"].update(extra=3), ("extra of export e", "None", "3")),
        (lambda after: after["events of e"].append({"event_name": "z"}), ("events of e", "z")),
        (lambda after: after.update({"bytes of e": b"xy"}), ("bytes of e", "1 bytes", "2 others")),
        (lambda after: after.pop("export e"), ("export e", "gone")),
        (lambda after: after.update({"event 9": {"name": "again"}}), ("event 9", "new", "again")),
    ],
)
def test_each_change_is_one_line(
    change: Callable[[dict[str, Any]], object], named: tuple[str, ...]
) -> None:
    after = snapshot()
    change(after)
    [line] = differences(snapshot(), after)
    assert all(part in line for part in named)


def test_nothing_changed() -> None:
    assert differences(snapshot(), snapshot()) == []
