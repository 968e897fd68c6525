"""A ledger that is a whole chain, but not the one that `[ledger]` declares.

What is wrong then is a line of the target file. A chain that fits no declaration is the backend's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations

from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.hash_form import HashForm
from harness.errors import CheckFailed
from harness.target.tables.ledger import Ledger
from harness.target.tables.ledger_forms import LedgerForm, other_forms

AS_DECLARED = "ledger.as-declared"
"""The rule that the ledger has the form that the target file declares."""

FEWEST = 3
"""Fewer events are in order by many columns."""

_MOST_SHOWN = 3


async def fitting_forms(
    declared: Ledger,
    salts: Mapping[str, str],
    read: Callable[[str], Awaitable[Sequence[StoredEvent]]],
) -> list[LedgerForm]:
    """Find the forms in which every event verifies, of those that differ least from the declared.

    `read` gives the events with their times in a format of `to_char`.
    """
    by_format: dict[str, Sequence[StoredEvent]] = {}
    for forms in other_forms(declared):
        for times in {other.ledger.created_at_format for other in forms} - {*by_format}:
            by_format[times] = await read(times)
        if found := [each for each in forms if _verifies(each, by_format, salts)]:
            return found
    return []


def _verifies(
    other: LedgerForm, by_format: Mapping[str, Sequence[StoredEvent]], salts: Mapping[str, str]
) -> bool:
    form, events = HashForm.of(other.ledger), by_format[other.ledger.created_at_format]
    right = (replace(each, form=form).has_right_hash(salts) for each in events)
    return bool(events) and all(right)


def lines_of(forms: Sequence[LedgerForm]) -> tuple[list[str], str]:
    """Give what to write for each, and the keys that are wrong."""
    keys = dict.fromkeys(key for form in forms for key in form.changes)
    return [form.lines for form in forms], ", ".join(keys)


def linked_order(events: Sequence[StoredEvent], genesis: str) -> list[StoredEvent] | None:
    """Give all events in the order of their links; None where these are not one chain."""
    after = {event.prev_hash or "": event for event in events}
    if len(after) < len(events):
        return None
    chain: list[StoredEvent] = []
    while (following := after.pop(chain[-1].hash or "" if chain else genesis, None)) is not None:
        chain.append(following)
    return None if after else chain


def ordering_columns(
    chain: Sequence[StoredEvent], places: Mapping[str, Mapping[str, int]]
) -> list[tuple[str, ...]]:
    """Find the columns by which events are in this order, the fewest that do.

    `places` has, by column, each event's place in its order, by the event's id.
    """
    if len(chain) < FEWEST:
        return []
    for several in (1, 2):
        orders = permutations(places, several)
        if found := [order for order in orders if _ascends(chain, [places[c] for c in order])]:
            return found
    return []


def _ascends(chain: Sequence[StoredEvent], order: Sequence[Mapping[str, int]]) -> bool:
    places = [[place[event.id] for place in order] for event in chain]
    return all(before < after for before, after in pairwise(places))


def not_as_declared(how: str, lines: Sequence[str], subject: str, detail: str = "") -> CheckFailed:
    """Give the finding that the ledger is as one of these lines would declare it."""
    meant = "if the file says what is meant, the backend is to be changed"
    return CheckFailed(
        expected="the ledger as [ledger] of the target file declares it",
        got=f"{how}: write {' or '.join(lines[:_MOST_SHOWN])}",
        detail="\n".join(filter(None, [detail, meant])),
        rule=AS_DECLARED,
        subject=subject,
    )
