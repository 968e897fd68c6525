"""The collections of an API: all the routes of a noun, and what one thing of it looks like."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.init.envelopes import thing_of
from harness.init.places import Place
from harness.init.references import Document
from harness.init.things import Property, refers_to


@dataclass(frozen=True, kw_only=True)
class Collection:
    """All that a noun has."""

    noun: str
    said: str
    places: tuple[Place, ...]
    thing: tuple[Property, ...]
    told: tuple[Property, ...]
    """What else is said of one: by routes below it, such as `…/status`."""
    parents: frozenset[str]
    """Collections that it is below, in a path."""
    refers: frozenset[str]
    """Collections whose ids its things or its requests have."""

    def has(self, method: str, form: str) -> bool:
        """Whether there is such a route."""
        return any(one.route.method == method and one.form == form for one in self.places)

    def belongs_to(self, noun: str) -> bool:
        """Whether it is below another collection, by a path or by an id."""
        return noun in self.parents or noun in self.refers


def collections_of(document: Document, places: Sequence[Place]) -> tuple[Collection, ...]:
    """Gather the routes of each noun, and what one thing of it looks like."""
    by_noun: dict[str, list[Place]] = {}
    for place in places:
        if place.noun:
            by_noun.setdefault(place.noun, []).append(place)
    found = []
    for noun, those in by_noun.items():
        thing = _thing(document, those)
        sent = [
            each
            for one in those
            if one.route.method == "POST" and one.form in {"all", "do"}
            for each in (*one.route.body, *one.route.query)
        ]
        found.append(
            Collection(
                noun=noun,
                said=min((one.said for one in those), key=len),
                places=tuple(those),
                thing=thing,
                told=_told(document, those),
                parents=frozenset(parent for one in those for parent in one.parents),
                refers=frozenset(
                    other
                    for other in by_noun
                    if other != noun
                    and any(
                        refers_to(each, other)
                        for each in (*thing, *sent)
                        if each.pointer.count("/") == 1  # what is deeper is about something else
                    )
                ),
            )
        )
    return tuple(found)


def _thing(document: Document, places: Sequence[Place]) -> tuple[Property, ...]:
    """The richest description of one thing among the answers."""
    shown = [each for each in places if each.form in {"one", "all", "do"} and each.route.success]
    return max((thing_of(document, each.route) for each in shown), key=len, default=())


def _told(document: Document, places: Sequence[Place]) -> tuple[Property, ...]:
    """The properties of what is shown below one thing."""
    below = [each.route for each in places if each.form == "act" and each.route.method == "GET"]
    return tuple(each for route in below for each in thing_of(document, route))
