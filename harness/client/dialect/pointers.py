"""JSON Pointers (RFC 6901): reading a value, and putting one, making objects on the way."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final


class _Nothing(Enum):
    NOTHING = auto()


NOTHING: Final = _Nothing.NOTHING
"""No value, not even null."""

Json = Any


def value_at(document: Json, way: tuple[str, ...]) -> Json:
    """The value at the end of the way, `NOTHING` if there is none.

    What would be within null is null: an object that is not there yet has no members.
    """
    here = document
    for name in way:
        if here is None:
            return None
        if not isinstance(here, Mapping) or name not in here:
            return NOTHING
        here = here[name]
    return here


def moved(places: Mapping[str, tuple[str, ...]], thing: Mapping[str, Json]) -> dict[str, Json]:
    """An object with each value moved from its place to its name (`a.b`: a member of `a`).

    Values without a place keep their names: they may be what leaks.
    """
    gone = {way[0] for way in places.values() if way}
    found = {name: value for name, value in thing.items() if name not in gone}
    for name, way in places.items():
        value = value_at(thing, way)
        if value is not NOTHING:
            put(found, tuple(name.split(".")), value)
    return found


def moved_back(places: Mapping[str, tuple[str, ...]], thing: Mapping[str, Json]) -> dict[str, Json]:
    """The other way round: each value at the place that its name has."""
    found = {name: value for name, value in thing.items() if name not in places}
    for name, way in places.items():
        if name in thing and way:
            put(found, way, thing[name])
    return found


def put(document: dict[str, Json], way: tuple[str, ...], value: Json) -> None:
    """Put a value at the end of the way; anything else on the way is replaced by an object."""
    here = document
    for name in way[:-1]:
        if not isinstance(here.get(name), dict):
            here[name] = {}
        here = here[name]
    here[way[-1]] = value
