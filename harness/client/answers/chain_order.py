"""Events of a ledger in the order of their chain, for a list in another order or in none."""

from collections.abc import Sequence
from typing import TypeVar

from harness.client.answers.record import Record
from harness.target.tables.ledger import ChainShape

_E = TypeVar("_E", bound=Record)


def in_chain_order(events: Sequence[_E], shape: ChainShape) -> list[_E]:
    """Give events by their numbers, or where they have none by their links, oldest first.

    What no link leads to, as where only the events about one thing are listed, comes last, by its
    time.
    """
    if shape.is_numbered and all(type(each.get("ledger_seq")) is int for each in events):
        return sorted(events, key=lambda each: int(each["ledger_seq"]))
    left, ordered = list(events), []
    head = shape.genesis
    while found := next((each for each in left if (each.get("prev_hash") or "") == head), None):
        ordered.append(found)
        left.remove(found)
        head = str(found.get("hash") or "")
    return ordered + sorted(left, key=lambda each: str(each.get("created_at")))
