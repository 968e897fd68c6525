"""What is said about the changes that nobody should have made."""

from chaos.exports.final_state import changes_between

ROW: dict[str, dict[str, object]] = {"export e1": {"state": "ready", "attempt": 2}}


def test_nothing_changed() -> None:
    assert changes_between(ROW, {"export e1": {"state": "ready", "attempt": 2}}) == []


def test_each_change_is_told() -> None:
    after: dict[str, dict[str, object]] = {
        "export e1": {"state": "ready", "attempt": 3},
        "ledger event 9": {"event": "again"},
    }
    assert changes_between(ROW | {"export e0": {}}, after) == [
        "attempt of export e1 was 2, is 3",
        "export e0 is gone",
        "ledger event 9 is new: {'event': 'again'}",
    ]
