"""What a backend calls jobs, evidence, exports and the ledger: its collections, by their paths."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from harness.init.envelopes import list_of, thing_of
from harness.init.fields import fit
from harness.init.guess import Certainty
from harness.init.lexicon import Lexicon, words_of
from harness.init.references import Document
from harness.init.routes import Route, is_parameter
from harness.init.things import Property

ROLES: Mapping[str, str] = {
    "job": "job",
    "evidence": "evidence",
    "export": "export",
    "ledger": "ledger_event",
}
"""What is looked for, and which resource of the contract one of it is."""

_PREFIX = re.compile(r"api|rest|public|internal|app|v\d+(\.\d+)*", re.IGNORECASE)
_CANDIDATES = 6
_LEAST_SHAPE = 0.6
"""The share of what the routes of a role do that those of a collection must do as well."""
_NOTHING = 0.3
"""What a role gets that no collection is given: a worse one is none."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a route stands among the collections."""

    route: Route
    noun: str
    """The collection's key; empty for a path of no collection."""
    said: str
    """The static segments that name it, as they are written."""
    parents: tuple[str, ...]
    form: str
    """`all`, `one`, `act` (on one), `do` (on all)."""
    action: str = ""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """All that a noun has."""

    noun: str
    said: str
    places: tuple[Place, ...]
    thing: tuple[Property, ...]
    parents: frozenset[str]

    def has(self, method: str, form: str) -> bool:
        """Whether there is such a route."""
        return any(one.route.method == method and one.form == form for one in self.places)


@dataclass(frozen=True, kw_only=True)
class Role:
    """Which collection is one of the contract's."""

    collection: Collection
    certainty: Certainty
    score: float
    why: str


def key_of(segment: str) -> str:
    """The key of a collection: `exports` and `export` are one."""
    return " ".join(words_of(segment))


def places_of(document: Document, routes: Sequence[Route]) -> tuple[Place, ...]:
    """Say of every route which collection it belongs to."""
    keys = set()
    for route in routes:
        segments = _without_prefix(route.segments)
        for one, following in zip(segments, [*segments[1:], ""], strict=True):
            if not is_parameter(one) and is_parameter(following):
                keys.add(key_of(one))
        listed = route.method == "GET" and list_of(document, route) is not None
        if segments and not is_parameter(segments[-1]) and listed:
            keys.add(key_of(segments[-1]))
    return tuple(_place(route, keys) for route in routes)


def _without_prefix(segments: Sequence[str]) -> Sequence[str]:
    while segments and _PREFIX.fullmatch(segments[0]):
        segments = segments[1:]
    return segments


def _place(route: Route, keys: set[str]) -> Place:
    segments = _without_prefix(route.segments)
    nouns: list[tuple[int, str]] = []
    for number, segment in enumerate(segments):
        if not is_parameter(segment) and key_of(segment) in keys:
            # `/ledger/events` is one collection, named by both words.
            nouns.append((number, key_of(segment)))
    if not nouns:
        return Place(route=route, noun="", said="/".join(segments), parents=(), form="all")
    at, noun = nouns[-1]
    begin = at
    while begin > 0 and not is_parameter(segments[begin - 1]):
        begin -= 1
    rest = segments[at + 1 :]
    with_id = bool(rest) and is_parameter(rest[0])
    action = "/".join(rest[1:] if with_id else rest)
    form = ("act" if action else "one") if with_id else ("do" if action else "all")
    return Place(
        route=route,
        noun=noun,
        said="/".join(segments[begin : at + 1]),
        parents=tuple(name for number, name in nouns[:-1] if number < begin),
        form=form,
        action=action,
    )


def collections_of(document: Document, places: Sequence[Place]) -> tuple[Collection, ...]:
    """Gather the routes of each noun, and what one thing of it looks like."""
    by_noun: dict[str, list[Place]] = {}
    for place in places:
        if place.noun:
            by_noun.setdefault(place.noun, []).append(place)
    return tuple(
        Collection(
            noun=noun,
            said=min((one.said for one in those), key=len),
            places=tuple(those),
            thing=_thing(document, those),
            parents=frozenset(parent for one in those for parent in one.parents),
        )
        for noun, those in by_noun.items()
    )


def _thing(document: Document, places: Sequence[Place]) -> tuple[Property, ...]:
    """The richest description of one thing among the answers."""
    shown = [each for each in places if each.form in {"one", "all", "do"} and each.route.success]
    return max((thing_of(document, each.route) for each in shown), key=len, default=())


def find_roles(lexicon: Lexicon, collections: Sequence[Collection]) -> Mapping[str, Role]:
    """Give each role of the contract the collection that is it, all roles at once."""
    alone = {
        role: sorted(
            ((_score(lexicon, role, each), each) for each in collections),
            key=lambda found: -found[0],
        )[:_CANDIDATES]
        for role in ROLES
    }
    ranked = sorted(_choices(alone), key=lambda choice: -choice.total)
    if not ranked:
        return {}
    best = ranked[0]
    roles = {}
    for role, (score, collection) in best.picked.items():
        others = [
            choice.total
            for choice in ranked[1:]
            if choice.picked.get(role, (0, None))[1] is not collection
        ]
        margin = best.total - max(others, default=0.0)
        named = _named(lexicon, role, collection)
        roles[role] = Role(
            collection=collection,
            certainty=min(
                _certainty(score, margin, named),
                _most(role, collection, best, _shape(lexicon, role, collection)),
            ),
            score=score,
            why=_why(lexicon, role, collection, named),
        )
    return roles


def _certainty(score: float, margin: float, named: float) -> Certainty:
    if score >= 0.6 and margin >= 0.1 and named >= 0.7:
        return Certainty.SURE
    if score >= 0.45 and margin >= 0.1:
        return Certainty.LIKELY
    return Certainty.DOUBTFUL


def _most(role: str, collection: Collection, best: "_Choice", shape: float) -> Certainty:
    """How sure a collection can be at most, by what its routes do and what stands below what.

    A noun is only a word: where evidence is filed below something else, that is the job, and
    what can neither be asked for nor looked at is no export.
    """
    if shape < _LEAST_SHAPE:
        return Certainty.DOUBTFUL
    if role == "job" and "evidence" in best.picked:
        evidence = best.picked["evidence"][1]
        if evidence.parents and collection.noun not in evidence.parents:
            return Certainty.DOUBTFUL
    return Certainty.SURE


@dataclass(frozen=True, kw_only=True)
class _Choice:
    total: float
    picked: Mapping[str, tuple[float, Collection]] = field(default_factory=dict)


def _choices(alone: Mapping[str, Sequence[tuple[float, Collection]]]) -> Iterator[_Choice]:
    options = [[*those, None] for those in alone.values()]
    for combination in product(*options):
        picked = {
            role: found for role, found in zip(alone, combination, strict=True) if found is not None
        }
        if len({each.noun for _, each in picked.values()}) < len(picked):
            continue
        total = sum(score for score, _ in picked.values()) + _NOTHING * (len(alone) - len(picked))
        job = picked.get("job")
        for inner in ("evidence", "export"):
            if job and inner in picked and job[1].noun in picked[inner][1].parents:
                total += 0.15
        yield _Choice(total=total, picked=picked)


def _score(lexicon: Lexicon, role: str, collection: Collection) -> float:
    named = _named(lexicon, role, collection)
    like = min(fit(lexicon, ROLES[role], collection.thing) * 1.4, 1.0)
    return 0.4 * named + 0.35 * like + 0.25 * _shape(lexicon, role, collection)


def _named(lexicon: Lexicon, role: str, collection: Collection) -> float:
    nouns = lexicon.tables["nouns"][role]
    said = collection.said.split("/")
    return max(
        lexicon.one_of(nouns, words_of(collection.noun)),
        *(0.8 * lexicon.one_of(nouns, words_of(each)) for each in said),
    )


def _shape(lexicon: Lexicon, role: str, collection: Collection) -> float:
    """How much the routes of a collection are those of a role."""
    actions = lexicon.tables["actions"]
    acts = [words_of(one.action) for one in collection.places if one.form in {"act", "do"}]

    def does(*names: str) -> bool:
        return any(lexicon.one_of(actions[name], words) >= 0.7 for name in names for words in acts)

    makes = any(
        one.route.method == "POST" and one.form in {"all", "one", "do"} for one in collection.places
    )
    takes_file = any(
        one.route.method in {"POST", "PUT"} and (one.route.form or _takes_file(one.route))
        for one in collection.places
    )
    gives_file = any(one.route.gives_file for one in collection.places)
    reads = collection.has("GET", "one") or collection.has("GET", "all")
    points = {
        "job": (makes and not takes_file, reads, collection.has("GET", "one"), not gives_file),
        "evidence": (takes_file, gives_file, reads, bool(collection.parents)),
        "export": (
            makes and not takes_file,
            gives_file,
            reads,
            does("cancel", "retry", "download"),
        ),
        "ledger": (not makes, reads, does("verify"), not gives_file),
    }[role]
    return sum(points) / len(points)


def _takes_file(route: Route) -> bool:
    return any(each.kind == "file" for each in route.body)


def _why(lexicon: Lexicon, role: str, collection: Collection, named: float) -> str:
    reasons = []
    if named >= 0.6:
        reasons.append(f'"{collection.said}" is a word for {role}')
    if fit(lexicon, ROLES[role], collection.thing) >= 0.35:
        reasons.append("its fields are those")
    if _shape(lexicon, role, collection) >= 0.7:
        reasons.append("its routes are those")
    return ", ".join(reasons) or "nothing else is nearer"
