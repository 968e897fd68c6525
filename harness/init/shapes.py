"""What the routes of a collection do, and how much that is what a role of the contract does.

Nothing here asks what a collection is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.init.lexicon import Lexicon, words_of
from harness.init.nouns import Collection
from harness.init.things import Property
from harness.init.values import life_of

_UNLISTED = 0.5
_ACTED = ("cancel", "retry", "download")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What can be done with the things of a collection."""

    makes: bool
    """A thing is made without a file."""
    takes_file: bool
    gives_file: bool
    lists: bool
    shows: bool
    changes: bool
    """Anything but reading."""
    accepts: bool
    """A request is taken to be worked on later: 202."""
    lives: float
    """How much its states are those of work: waiting, under way, ended."""
    acts: bool
    """Something can be canceled, tried again, downloaded."""
    holds: bool
    """Other collections belong to it."""
    belongs: bool
    """It belongs to another one."""
    records: float
    """How much one thing looks like something that happened: when, what, who, to what."""
    chained: bool
    """One thing has a digest, and that of the one before it."""


def shape_of(lexicon: Lexicon, collection: Collection, all_: Sequence[Collection]) -> Shape:
    """Look at the routes and at one thing of a collection."""
    places = collection.places
    actions = lexicon.tables["actions"]
    acts = [words_of(one.action) for one in places if one.form in {"act", "do"}]
    return Shape(
        makes=any(
            one.route.method == "POST"
            and (one.form in {"all", "one"} or (one.form == "do" and not one.route.takes_file))
            and not one.route.needs_file
            for one in places
        ),
        takes_file=any(
            one.route.takes_file and one.form in {"all", "do", "one", "act"} for one in places
        ),
        gives_file=any(
            one.route.gives_file and one.route.method == "GET" and one.form in {"one", "act", "do"}
            for one in places
        ),
        lists=collection.has("GET", "all"),
        shows=collection.has("GET", "one"),
        changes=any(one.route.method != "GET" for one in places if one.form in {"all", "one"}),
        accepts=any(202 in one.route.successes for one in places),
        lives=max(
            (_life(lexicon, each) for each in (*collection.thing, *collection.told)), default=0.0
        ),
        acts=any(lexicon.one_of(actions[name], words) >= 0.7 for name in _ACTED for words in acts),
        holds=any(other.belongs_to(collection.noun) for other in all_ if other is not collection),
        belongs=bool(collection.parents or collection.refers),
        records=_records(lexicon, collection.thing),
        chained=_is_chained(lexicon, collection.thing),
    )


def _life(lexicon: Lexicon, place: Property) -> float:
    """How much a property says how far work is; a state whose words are not listed may."""
    if place.kind == "text" and place.own in {("stat",), ("status",), ("state",)}:
        return _UNLISTED
    return life_of(lexicon, place.words)


def _records(lexicon: Lexicon, thing: Sequence[Property]) -> float:
    fields = lexicon.tables["fields"]["ledger_event"]

    def has(field: str) -> bool:
        phrases = (field.replace("_", " "), *fields[field]["like"])
        return any(lexicon.best(phrases, each.own, each.around) >= 0.75 for each in thing)

    when = any(each.kind == "time" for each in thing) or has("created_at")
    return (
        when + has("event_name") + has("actor_id") + (has("target_id") or has("target_type"))
    ) / 4


def _is_chained(lexicon: Lexicon, thing: Sequence[Property]) -> bool:
    digests = [each for each in thing if any(lexicon.means(w, "digest") for w in each.own)]
    before = [each for each in digests if any(lexicon.means(w, "previous") for w in each.own)]
    return bool(before) and len(digests) > len(before)


def can_be(role: str, shape: Shape, *, named: bool) -> bool:
    """Whether a collection can be one of a role at all.

    `named`: it is called by a word for the role.
    """
    return {
        "job": shape.shows or shape.makes,
        "evidence": shape.takes_file or (shape.gives_file and not shape.lives),
        "export": shape.makes
        and (shape.shows or shape.lists or shape.gives_file)
        and (bool(shape.lives) or shape.acts or shape.accepts or shape.gives_file or named),
        "ledger": shape.lists and not shape.takes_file,
    }[role]


def fit_of(role: str, shape: Shape) -> float:
    """How much a collection does what one of a role does: 0 to 1."""
    points: Mapping[str, Sequence[tuple[float, float]]] = {
        "job": (
            (0.3, shape.holds),
            (0.2, shape.shows),
            (0.2, shape.makes),
            (0.15, shape.lists),
            (0.15, not shape.gives_file and not shape.takes_file),
        ),
        "evidence": (
            (0.45, shape.takes_file),
            (0.2, shape.gives_file),
            (0.2, shape.lists or shape.shows),
            (0.15, shape.belongs),
        ),
        "export": (
            (0.25, shape.makes and not shape.takes_file),
            (0.25, shape.lives),
            (0.15, shape.shows or shape.lists),
            (0.15, shape.gives_file),
            (0.1, shape.acts),
            (0.1, shape.accepts or shape.belongs),
        ),
        "ledger": (
            (0.35, not shape.changes),
            (0.15, shape.lists),
            (0.35, shape.records),
            (0.15, shape.chained),
        ),
    }
    return sum(weight * float(point) for weight, point in points[role])
