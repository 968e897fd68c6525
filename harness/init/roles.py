"""Which collections of a backend are its jobs, its evidence, its exports and its ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from harness.init.fields import fit
from harness.init.guess import Certainty
from harness.init.lexicon import Lexicon, words_of
from harness.init.nouns import Collection
from harness.init.shapes import Shape, can_be, fit_of, shape_of

ROLES: Mapping[str, str] = {
    "job": "job",
    "evidence": "evidence",
    "export": "export",
    "ledger": "ledger_event",
}
"""What is looked for, and which resource of the contract one of it is."""

_CANDIDATES = 7
_LEAST_SHAPE = 0.55
"""How much a collection must do of what its role does, to be more than doubtful."""
_LEAST_RECORD = 0.5
_LIKELY = 0.45
_HALF = 0.5
_ALONE = 0.6
"""What being ahead alone counts of being ahead together with the other roles."""
_NAMED = 0.7
_ABOVE, _BESIDE = 0.8, 0.55
"""What a word for a role counts that stands before the noun in a path."""
_NOTHING = 0.3
"""What a role gets that no collection is given: a worse one is none."""
_BELONGS = 0.15
"""What it adds that evidence and exports belong to the job."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """Which collection is one of the contract's."""

    collection: Collection
    certainty: Certainty
    score: float
    why: str


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    collection: Collection
    score: float
    named: float
    like: float
    shape: float
    gives_file: bool
    lives: bool
    """Whether its states are those of work."""
    chained: bool
    records: float
    """How much one thing looks like something that happened."""

    @property
    def is_likely(self) -> bool:
        """Whether it is more than the nearest of many."""
        return self.score >= _LIKELY and self.shape >= _LEAST_SHAPE


@dataclass(frozen=True, kw_only=True)
class _Choice:
    total: float
    picked: Mapping[str, _Candidate] = field(default_factory=dict)


def find_roles(lexicon: Lexicon, collections: Sequence[Collection]) -> Mapping[str, Role]:
    """Give each role of the contract the collection that is it, all roles at once."""
    shapes = {each.noun: shape_of(lexicon, each, collections) for each in collections}
    alone = {
        role: [
            _candidate(lexicon, role, each, shapes[each.noun])
            for each in collections
            if can_be(role, shapes[each.noun], named=_named(lexicon, role, each) >= _NAMED)
            and not (role == "job" and _is_somebody(lexicon, each))
        ]
        for role in ROLES
    }
    ranked = sorted(_choices(_shortened(alone)), key=lambda choice: -choice.total)
    if not ranked:
        return {}
    best = ranked[0]
    roles: dict[str, Role] = {}
    for role, one in best.picked.items():  # the job is the first
        others = [
            choice.total
            for choice in ranked[1:]
            if role not in choice.picked or choice.picked[role].collection is not one.collection
        ]
        margin = best.total - max(others, default=0.0)
        if one.named >= _NAMED:  # far ahead of all others that could be it, alone
            margin = max(margin, (one.score - _second(alone[role], one)) * _ALONE)
        roles[role] = Role(
            collection=one.collection,
            certainty=min(_certainty(one, margin), _most(role, one, best, roles)),
            score=one.score,
            why=_why(role, one),
        )
    return roles


def _is_somebody(lexicon: Lexicon, collection: Collection) -> bool:
    """Whether a collection is of users or of tenants: all belongs to them, but they are no work."""
    words = words_of(collection.noun)
    return bool(words) and any(lexicon.means(words[-1], each) for each in ("user", "tenant"))


def _second(those: Sequence[_Candidate], first: _Candidate) -> float:
    return max((each.score for each in those if each is not first), default=0.0)


def _candidate(lexicon: Lexicon, role: str, collection: Collection, shape: Shape) -> _Candidate:
    named = _named(lexicon, role, collection)
    like = min(fit(lexicon, ROLES[role], collection.thing) * 1.4, 1.0)
    does = fit_of(role, shape)
    score = 0.35 * named + 0.3 * like + 0.35 * does
    return _Candidate(
        collection=collection,
        score=score,
        named=named,
        like=like,
        shape=does,
        gives_file=shape.gives_file,
        lives=shape.lives > _HALF,
        chained=shape.chained,
        records=max(shape.records, float(shape.chained)),
    )


def _shortened(alone: Mapping[str, list[_Candidate]]) -> Mapping[str, Sequence[_Candidate]]:
    """Keep the best of each role; of jobs those, too, that the best of the others belong to."""
    kept = {
        role: sorted(those, key=lambda one: -one.score)[:_CANDIDATES]
        for role, those in alone.items()
    }
    inner = [*kept["evidence"][:3], *kept["export"][:3]]
    kept["job"] += [
        one
        for one in alone["job"]
        if one not in kept["job"]
        and any(each.collection.belongs_to(one.collection.noun) for each in inner)
    ]
    return kept


def _choices(alone: Mapping[str, Sequence[_Candidate]]) -> Iterator[_Choice]:
    options = [
        [*(each for each in those if each.score > _NOTHING), None] for those in alone.values()
    ]
    for combination in product(*options):
        picked = {
            role: found for role, found in zip(alone, combination, strict=True) if found is not None
        }
        if len({each.collection.noun for each in picked.values()}) < len(picked):
            continue
        total = sum(each.score for each in picked.values()) + _NOTHING * (len(alone) - len(picked))
        job = picked.get("job")
        for inner in ("evidence", "export"):
            if job and inner in picked and picked[inner].collection.belongs_to(job.collection.noun):
                total += _BELONGS
        yield _Choice(total=total, picked=picked)


def _certainty(one: _Candidate, margin: float) -> Certainty:
    if one.score >= 0.6 and margin >= 0.1 and one.named >= _NAMED:
        return Certainty.SURE
    if one.score >= _LIKELY and margin >= 0.1:
        return Certainty.LIKELY
    return Certainty.DOUBTFUL


def _most(role: str, one: _Candidate, best: _Choice, roles: Mapping[str, Role]) -> Certainty:
    """How sure a collection can be at most, by what its routes do and what belongs to what.

    A noun is only a word: where evidence is filed below something else, that is the job, and
    what can neither be asked for nor looked at is no export. `roles` are those settled before.
    """
    own = one.collection
    doubtful = one.shape < _LEAST_SHAPE
    if role == "job":
        inner = [
            best.picked[name].collection
            for name in ("evidence", "export")
            if name in best.picked and best.picked[name].is_likely
        ]
        held = any(each.belongs_to(own.noun) for each in inner)
        elsewhere = any(
            (each.parents or each.refers) and not each.belongs_to(own.noun) for each in inner[:1]
        )
        doubtful |= elsewhere or not (held or one.named >= _NAMED)
        doubtful |= one.lives and not held  # what a service works on
    if role == "export" and one.named < _NAMED:
        job = roles.get("job")
        sure = job is not None and job.certainty.is_written
        doubtful |= not sure or job is None or not own.belongs_to(job.collection.noun)
        doubtful |= not one.gives_file
    if role == "ledger":
        doubtful |= one.named < _NAMED and not one.chained
        doubtful |= bool(own.thing) and one.records < _LEAST_RECORD
    return Certainty.DOUBTFUL if doubtful else Certainty.SURE


def _named(lexicon: Lexicon, role: str, collection: Collection) -> float:
    nouns = lexicon.tables["nouns"][role]
    said = collection.said.split("/")
    own = words_of(collection.noun)
    # `/audit/records` are named by what is before them, `/history/logins` are something else.
    plain = all(lexicon.means(word, "event") or word in lexicon.noise for word in own)
    above = _ABOVE if plain else _BESIDE
    return max(
        lexicon.one_of(nouns, own),
        *(above * lexicon.one_of(nouns, words_of(each)) for each in said),
    )


def _why(role: str, one: _Candidate) -> str:
    reasons = []
    if one.named >= 0.6:
        reasons.append(f'"{one.collection.said}" is a word for {role}')
    if one.like >= 0.5:
        reasons.append("its fields are those")
    if one.shape >= 0.65:
        reasons.append("its routes are those")
    return ", ".join(reasons) or "nothing else is nearer"
