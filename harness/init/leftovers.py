"""What a field that was not found could still be: by the kind of value, and by any word of it.

A field that many backends lack is missing where no word speaks for it; one that almost all have
is missing only where nothing of its kind is left.
"""

from collections.abc import Mapping
from typing import Any

from harness.init.lexicon import Lexicon
from harness.init.things import FITS, Property, is_id

_GENERAL = frozenset(
    {"id", "at", "by", "name", "type", "text", "code", "number", "count", "event", "size", "until"}
)
"""Concepts that speak for no field alone."""

_ONLY_OF_THEIR_KIND: Mapping[str, frozenset[str]] = {
    "time": frozenset({"time"}),
    "count": frozenset({"count"}),
    "word": frozenset({"word"}),
    "digest": frozenset({"digest"}),
}
"""Kinds that show in a document: without a word for the field, nothing else is one."""


def could_be(lexicon: Lexicon, field: str, rule: Mapping[str, Any], place: Property) -> bool:
    """Whether a property that is left over could be a field after all."""
    if FITS[rule["kind"]].get(place.kind, 0.0) <= 0.3:
        return False
    if speaks_for(lexicon, field, rule, place):
        return True
    if rule.get("seldom"):
        return False
    if rule["kind"] == "id":
        return is_id(place) and not _is_of_a_role(lexicon, place)
    only = _ONLY_OF_THEIR_KIND.get(rule["kind"])
    return only is None or place.kind in only


def speaks_for(lexicon: Lexicon, field: str, rule: Mapping[str, Any], place: Property) -> bool:
    """Whether any word of a name is one of those by which a field is known."""
    phrases = (field.replace("_", " "), *rule["like"], *rule.get("near", ()))
    wanted = {concept for phrase in phrases for concept in phrase.split()} - _GENERAL
    plain = {concept for phrase in phrases if " " not in phrase for concept in (phrase,)}
    wanted |= plain - {"id", "name", "at"}
    return any(lexicon.means(word, concept) for word in place.own for concept in wanted)


def _is_of_a_role(lexicon: Lexicon, place: Property) -> bool:
    """Whether an id is that of a job, of evidence or of an export."""
    return any(
        lexicon.means(word, role) >= 0.9
        for word in place.own
        for role in ("job", "evidence", "export")
    )
