"""What a backend does not have: `[contract] absent`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.init.fields import Matched
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import lexicon, words_of
from harness.init.operation_names import HEALTH, PROBES
from harness.init.operations import OperationMatch
from harness.init.places import Place
from harness.init.roles import Role
from harness.init.unmatched import doubt_of

_CORE = frozenset({"createJob", "getJob", "uploadEvidence", "requestExport", "getExport"})
"""Without these nothing can be checked: they are looked for by a person, never declared absent."""

_UNSAID = frozenset({"openapi"})
"""What a document does not say of itself."""

_WHOLE = (
    *("job", "evidence", "export", "ledger_event"),
    *("ledger_verification", "manifest", "manifest_verification"),
)
"""Resources of which a field may be declared absent."""

_TWICE = ("evidence", "evidence_id")
"""The contract shows the id of evidence twice; once is enough."""


def missing_operations(
    names: Iterable[str],
    found: Sequence[OperationMatch],
    roles: Mapping[str, Role],
    places: Sequence[Place],
    *,
    served: bool,
) -> Iterator[Guess]:
    """Say which operations no route is.

    `served` tells that the document was got from the backend itself. What a wrong noun could
    hide is doubtful: a declared absence takes checks away.
    """
    there = {one.name for one in found} | ({"openapi"} if served else set())
    probed = bool(there & {*HEALTH})
    taken = [one.route for one in found if one.matched.is_written]
    left = [place for place in places if place.route not in taken]
    for name in names:
        if name in there:
            continue
        if name in _CORE:
            yield _gone(name, "no route of the document is it; find it", doubtful=True)
        elif name in _UNSAID or (name in PROBES and not probed):
            why = "documents seldom describe it; declare it if it is not there"
            yield _gone(name, why, doubtful=True)
        elif name == "live" and _is_alive(found):
            yield _gone(name, "the one route of health may be it", doubtful=True)
        elif doubt := doubt_of(lexicon(), name, roles, left):
            yield _gone(name, doubt, doubtful=True)
        else:
            yield _gone(name, "no route is it")


def _is_alive(found: Sequence[OperationMatch]) -> bool:
    """Whether the route that says that a backend is ready is called after life."""
    alive = lexicon().tables["probes"]["live"]
    return any(
        one.name == "ready" and lexicon().one_of(alive, words_of(one.route.segments[-1])) >= 0.7
        for one in found
    )


def missing_fields(seen: Mapping[str, Matched]) -> Iterator[Guess]:
    """Say which fields no property is."""
    for resource in _WHOLE:
        matched = seen.get(resource)
        if matched is None or not matched.found:
            continue
        for name in matched.missing:
            if (resource, name) != _TWICE:
                yield _gone(f"{resource}.{name}", f"nothing that is left of {resource} could be it")
        for name in matched.unclear:
            if (resource, name) != _TWICE:
                why = "nothing reads like it, but something is left that could be it"
                yield _gone(f"{resource}.{name}", why, doubtful=True)


def _gone(name: str, why: str, *, doubtful: bool = False) -> Guess:
    certainty = Certainty.DOUBTFUL if doubtful else Certainty.LIKELY
    return Guess(table=("contract",), key=("absent",), value=name, certainty=certainty, why=why)
