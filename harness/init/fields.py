"""Which property of a thing is which field of the contract."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.init.guess import Certainty, assign
from harness.init.leftovers import could_be
from harness.init.lexicon import Lexicon, Words, stem
from harness.init.things import FITS, Property

Said = Mapping[str, tuple[Words, ...]]
"""By the contract's field: what the backend calls it elsewhere."""

_NOTHING_SAID: Said = {}

_PER_LEVEL = 0.97
"""What each object around a property takes from its score: the plain place is the first choice."""
_SECOND = 0.78
"""What a name counts that a field has only where no plainer one is there."""
_NO_TIMES = frozenset({"id", "word", "digest"})
"""Kinds that a name which ends like that of a time is none of."""
_OWN_IDS = frozenset({"id", "evidence_id"})
_ONE_WORD = 0.3
_NOT_SAID = 0.6
_BESIDE = 0.75
"""From which score a property is taken for one that the contract does not have."""
_TRACE = 0.3
"""A property with this score for a field that nothing was found for may be it after all."""


@dataclass(frozen=True, kw_only=True)
class FieldMatch:
    """A field of the contract, and the property that is it."""

    field: str
    place: Property
    score: float
    certainty: Certainty
    why: str


@dataclass(frozen=True, kw_only=True)
class Matched:
    """All that was found in one thing."""

    found: tuple[FieldMatch, ...] = ()
    missing: tuple[str, ...] = ()
    """Fields for which nothing that is left could stand."""
    unclear: tuple[str, ...] = ()
    """Fields for which something that is left could stand, but nothing says so."""

    def place_of(self, field: str) -> Property | None:
        """The property that is a field, if it is sure enough to be written."""
        return next(
            (one.place for one in self.found if one.field == field and one.certainty.is_written),
            None,
        )


def match_fields(
    lexicon: Lexicon,
    resource: str,
    places: Sequence[Property],
    said: Said = _NOTHING_SAID,
) -> Matched:
    """Pair the fields of a resource with the properties of a backend's thing.

    `said` is what the backend calls each field elsewhere: in its API, where these are columns.
    """
    wanted: Mapping[str, Any] = lexicon.tables["fields"][resource]
    if not places:
        return Matched(unclear=tuple(wanted))
    places = _without_inner(lexicon, wanted, places)
    by_pointer = {place.pointer: place for place in places}
    scores = {
        (field, place.pointer): score
        for place in places
        for field, score in _scores(lexicon, wanted, place, said).items()
    }
    found: list[FieldMatch] = []
    for pair in assign(scores):
        place, certainty = by_pointer[pair.theirs], pair.certainty
        if certainty is not None:
            why = _why(lexicon, wanted[pair.ours], place, pair.margin)
            found.append(
                FieldMatch(
                    field=pair.ours, place=place, score=pair.score, certainty=certainty, why=why
                )
            )
    found += _by_elimination(lexicon, wanted, places, found)
    return _with_the_rest(lexicon, wanted, places, scores, found)


def fit(
    lexicon: Lexicon,
    resource: str,
    places: Sequence[Property],
    said: Said = _NOTHING_SAID,
) -> float:
    """How much a thing looks like a resource: 0 to 1, over the fields of the resource."""
    wanted = lexicon.tables["fields"][resource]
    scores = {
        (field, place.pointer): score
        for place in places
        for field, score in _scores(lexicon, wanted, place, said).items()
    }
    return sum(pair.score for pair in assign(scores)) / max(len(wanted), 1)


def _scores(
    lexicon: Lexicon,
    wanted: Mapping[str, Any],
    place: Property,
    said: Said = _NOTHING_SAID,
) -> dict[str, float]:
    scores: dict[str, float] = {}
    if not place.own:
        return scores
    if place.own[-1:] == ("by",) and place.kind == "object":
        return scores  # who did it, with a name and more
    for field, rule in wanted.items():
        fits = FITS[rule["kind"]].get(place.kind, 0.0)
        named = max(
            lexicon.best((field.replace("_", " "), *rule["like"]), place.own, place.around),
            _SECOND * lexicon.best(rule.get("else", ()), place.own, place.around),
        )
        level = _PER_LEVEL ** (place.pointer.count("/") - 1)
        called = said.get(field, ())
        if (place.own in called and not place.around) or (*place.around, *place.own) in called:
            named, fits = 1.1, fits and 1.0
        if field in _OWN_IDS and place.around not in {(), ("data",)}:
            continue  # the id of something within it
        if rule["kind"] in {"word", "text"} and len(place.words) == 1:
            fits *= _ONE_WORD  # says what kind of object this is, not what became of it
        if rule["kind"] in _NO_TIMES and lexicon.means(place.own[-1], "at"):
            continue
        if field == "state" and any(lexicon.means(word, "code") for word in place.own):
            named *= _NOT_SAID  # why it is in its state
        if rule["kind"] == "digest" and len(place.own) > 1 and not _is_digest(lexicon, place):
            named *= _NOT_SAID
        if fits and named:
            scores[field] = named * (0.7 + 0.3 * fits) * level
    beside = lexicon.best(lexicon.tables["beside"]["names"], place.own)
    return {} if beside >= _BESIDE and beside > max(scores.values(), default=0) else scores


def _is_digest(lexicon: Lexicon, place: Property) -> bool:
    """Whether its form or a word of its name says that a property is a digest."""
    return place.kind == "digest" or any(lexicon.means(word, "digest") for word in place.own)


def _without_inner(
    lexicon: Lexicon, wanted: Mapping[str, Any], places: Sequence[Property]
) -> Sequence[Property]:
    """Leave out what is within an object that is a field itself: it belongs to that one."""
    objects = {name: rule for name, rule in wanted.items() if rule["kind"] == "object"}
    described = {place.pointer.rpartition("/")[0] for place in places}
    envelope = [p for p in places if p.name == "attributes" and p.pointer in described]
    if envelope:
        # JSON:API: what a thing is described by is in there, and `type` is its kind.
        kinds = {f"{each.pointer.rpartition('/')[0]}/type" for each in envelope}
        places = [p for p in places if p not in envelope and p.pointer not in kinds]
    inner = [
        place.pointer
        for place in places
        if place.kind == "object"
        and max(_scores(lexicon, objects, place).values(), default=0) > 0.6
    ]
    return [p for p in places if not any(p.pointer.startswith(f"{each}/") for each in inner)]


def _by_elimination(
    lexicon: Lexicon,
    wanted: Mapping[str, Any],
    places: Sequence[Property],
    found: Iterable[FieldMatch],
) -> list[FieldMatch]:
    """Take the only thing of its kind that is left for the field that every backend has."""
    taken = {match.place.pointer for match in found}
    settled = {match.field for match in found}
    later = {stem(word) for word in lexicon.tables["beside"]["times"]}
    more = []
    for field, rule in wanted.items():
        if field in settled or not rule.get("always") or rule["kind"] == "text":
            continue  # a text says too little of itself
        left = [
            place
            for place in places
            if place.pointer not in taken
            and place.kind == rule["kind"]
            and place.pointer.count("/") == 1
            and not place.nullable
            and not later & {*place.own}
            and lexicon.best(lexicon.tables["beside"]["names"], place.own) < _BESIDE
        ]
        if len(left) == 1:
            why = f"the only {_ONLY[rule['kind']]} that is left"
            more.append(
                FieldMatch(
                    field=field, place=left[0], score=0.65, certainty=Certainty.LIKELY, why=why
                )
            )
    return more


def _with_the_rest(
    lexicon: Lexicon,
    wanted: Mapping[str, Any],
    places: Sequence[Property],
    scores: Mapping[tuple[str, str], float],
    found: list[FieldMatch],
) -> Matched:
    taken = {match.place.pointer for match in found if match.certainty.is_written}
    settled = {match.field for match in found}
    missing: list[str] = []
    unclear: list[str] = []
    for field, rule in wanted.items():
        if field in settled:
            continue
        left = [
            place
            for place in places
            if place.pointer not in taken
            and could_be(lexicon, field, rule, place)
            and (
                scores.get((field, place.pointer), 0) >= _TRACE
                or lexicon.best(lexicon.tables["beside"]["names"], place.own) < _BESIDE
            )
        ]
        (unclear if left or field == "id" else missing).append(field)
    return Matched(found=tuple(found), missing=tuple(missing), unclear=tuple(unclear))


def _why(lexicon: Lexicon, rule: Mapping[str, Any], place: Property, margin: float) -> str:
    phrases = (*rule["like"], *rule.get("else", ()))
    best = max(phrases, key=lambda each: lexicon.phrase(each, place.own, place.around))
    clear = "" if margin >= 0.1 else ", but another one is as near"
    return f'reads as "{best}", {_KINDS[place.kind]}{clear}'


_KINDS = {
    "id": "an id",
    "time": "a time",
    "count": "a number",
    "flag": "true or false",
    "object": "an object",
    "list": "a list",
    "digest": "a digest",
    "text": "a text",
    "word": "one of several words",
    "file": "a file",
    "any": "of any type",
}

_ONLY = {"time": "time", "file": "file", "id": "id", "text": "text", "count": "number"}
