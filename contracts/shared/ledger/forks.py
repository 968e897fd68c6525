"""Forks of a chain: two events that follow the same event, or have the same number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.target.tables.ledger import ChainShape

_Key = TypeVar("_Key", str, int | None)

NO_FORK = "ledger.no-fork"
"""The rule that a chain does not fork."""

ASPECT = "one event after each event, and one with each number"
"""What every fork is against, in the same words."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """How an event is linked to the one before."""

    name: str
    """Its name in messages."""
    number: int | None
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Fork:
    """Two or more events where the chain has a place for one."""

    at: int
    """The index of the second of them."""
    expected: str
    got: str


def forks(chain: Sequence[Link], shape: ChainShape) -> list[Fork]:
    """Find every fork of a chain, whose events are in its order, by where it is."""
    found: dict[tuple[int, ...], Fork] = {}
    for fork, places in (*_by_link(chain, shape), *_by_number(chain)):
        found.setdefault(tuple(places), fork)
    return sorted(found.values(), key=lambda fork: fork.at)


def _by_link(chain: Sequence[Link], shape: ChainShape) -> Iterator[tuple[Fork, list[int]]]:
    hashes = {link.hash: link.name for link in chain if link.hash}
    for before, places in _groups([link.prev_hash for link in chain]).items():
        first = before == shape.genesis or not before
        if first and not _several_begin(chain, places):
            continue  # one that lost its link is no fork
        after = "nothing" if first else hashes.get(before, f"the hash {before}")
        expected = f"at most one event after {after}" if not first else "one first event"
        yield Fork(places[1], expected, f"a fork: {_named(chain, places)} follow {after}"), places


def _several_begin(chain: Sequence[Link], places: Sequence[int]) -> bool:
    """Whether events without a link stand side by side at the beginning of a chain that has links.

    In a ledger where no event has a link, what is wrong is the links.
    """
    begin = [place for at, place in enumerate(places) if place == at]
    return len(begin) > 1 and len(places) < len(chain)


def _by_number(chain: Sequence[Link]) -> Iterator[tuple[Fork, list[int]]]:
    for number, places in _groups([link.number for link in chain]).items():
        if number is not None:
            got = f"a fork: {len(places)} events have it"
            yield Fork(places[1], f"one event with ledger_seq {number}", got), places


def _groups(keys: Sequence[_Key]) -> dict[_Key, list[int]]:
    """The places of every key that stands in several."""
    places: dict[_Key, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return {key: each for key, each in places.items() if len(each) > 1}


def _named(chain: Sequence[Link], places: Sequence[int]) -> str:
    names = [chain[place].name for place in places[:3]]
    rest = len(places) - len(names)
    return " and ".join(names) + (f" and {rest} more" if rest else "")
