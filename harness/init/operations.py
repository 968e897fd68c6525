"""Which route is which operation of the contract."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.init.guess import Certainty, assign
from harness.init.lexicon import Lexicon
from harness.init.operation_names import HEALTH, ROLE_OF
from harness.init.operation_paths import named_path
from harness.init.operation_scores import Scorer
from harness.init.places import Place
from harness.init.references import Document
from harness.init.roles import Role
from harness.init.routes import Route


@dataclass(frozen=True, kw_only=True)
class OperationMatch:
    """An operation of the contract and the route that is it."""

    name: str
    route: Route
    path: str
    """With the contract's names of parameters; with its own for one that none of them is."""
    strange: tuple[str, ...]
    """Parameters of the path that the contract does not have: no target file can say it."""
    matched: Certainty
    """How sure it is that the route is the operation."""
    why: str

    @property
    def certainty(self) -> Certainty:
        """How sure the line is."""
        return Certainty.DOUBTFUL if self.strange else self.matched


def find_operations(
    lexicon: Lexicon, document: Document, places: Sequence[Place], roles: Mapping[str, Role]
) -> tuple[OperationMatch, ...]:
    """Score every route for every operation, pair them all at once, the clearest first."""
    nouns = {role: one.collection.noun for role, one in roles.items()}
    scorer = Scorer(lexicon, document, nouns, places)
    scores = {
        (name, number): score
        for number, place in enumerate(places)
        for name in scorer.names
        if (score := scorer.score(place, name)) > 0
    }
    found = []
    for pair in assign(scores):
        place, certainty = places[pair.theirs], pair.certainty
        role = ROLE_OF.get(pair.ours, "")
        if certainty is None:
            continue
        if role in roles:
            certainty = min(certainty, roles[role].certainty)
        elif role:
            certainty = Certainty.DOUBTFUL  # what its thing is, nothing shows
        path, strange = named_path(place, pair.ours, nouns)
        found.append(
            OperationMatch(
                name=pair.ours,
                route=place.route,
                path=path,
                strange=strange,
                matched=certainty,
                why=_why(place, pair.ours, strange, roles),
            )
        )
    return tuple(_with_readiness(found))


def _with_readiness(found: Sequence[OperationMatch]) -> Iterator[OperationMatch]:
    """Where no route is called after readiness, the one of health says that a backend is ready.

    One alone that is called after life (`/up`, `/ping`) is taken for both: no backend has only
    a route that tells nothing of its database, and a run must know when to begin.
    """
    health = {one.name: one for one in found if one.name in HEALTH}
    only = health.get("health") or health.get("live")
    if "ready" in health or only is None:
        yield from found
        return
    yield from (one for one in found if one is not only)
    for name in ("ready", "health"):
        sure = only.matched if name == only.name else min(only.matched, Certainty.LIKELY)
        why = only.why if name == only.name else "the only route that speaks of health"
        yield replace(only, name=name, matched=sure, why=why)


def _why(place: Place, name: str, strange: Iterable[str], roles: Mapping[str, Role]) -> str:
    role = ROLE_OF.get(name, "")
    reasons = []
    if role in roles:
        reasons.append(f'"{roles[role].collection.said}" is the {role} here')
    if place.action:
        reasons.append(f"{place.route.method} …/{place.action}")
    elif place.route.form:
        reasons.append("takes a form")
    elif not role:
        reasons.append(f"{place.route.method} {place.route.path}")
    reasons += [f"the contract has no parameter {each} here" for each in strange]
    return "; ".join(reasons)
