"""All that an OpenAPI document says of a backend, matched to the contract."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.init.absences import guess_constants
from harness.init.conventions import guess_headers, guess_problem, guess_refusals
from harness.init.envelopes import guess_envelope
from harness.init.field_lines import guess_archive, guess_fields, said_of, things_of
from harness.init.fields import Matched, Said, match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon, lexicon, words_of
from harness.init.missing import missing_fields, missing_operations
from harness.init.nouns import collections_of
from harness.init.operation_lines import guess_operation, guess_redirects
from harness.init.operations import OperationMatch, find_operations
from harness.init.places import places_of
from harness.init.references import Document
from harness.init.roles import ROLES, Role, find_roles
from harness.init.routes import Route, is_parameter, routes_of
from harness.init.things import is_id_name
from harness.untrusted.members import table
from harness.vocabulary.resources import LISTS, RETURNED_BY


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a document says; nothing where there is none."""

    words: Lexicon = field(default_factory=lexicon)
    nouns: Mapping[str, str] = field(default_factory=dict)
    found: tuple[OperationMatch, ...] = ()
    seen: Mapping[str, Matched] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)
    guesses: tuple[Guess, ...] = ()
    absent: tuple[Guess, ...] = ()
    notes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """The types of exports that a request for one lists."""

    @property
    def routes(self) -> Mapping[str, Route]:
        """By the contract's operation, what is sure enough to be written."""
        return {one.name: one.route for one in self.found if one.certainty.is_written}

    @property
    def ready_path(self) -> str:
        """Where the backend says that it is ready; empty where no route does."""
        by_name = {one.name: one for one in self.found if one.certainty.is_written}
        for name in ("ready", "health", "live"):
            if name in by_name:
                return by_name[name].path
        return ""


class Contract:
    """The contract's own document: its operations, and the codes of its refusals."""

    def __init__(self, document: Document) -> None:
        self.operations = {
            each.operation_id: each for each in routes_of(document) if each.operation_id
        }
        problem = table(table(table(document.root, "components"), "schemas"), "Problem")
        codes = table(table(table(problem, "properties"), "code"), "x-codes")
        self.codes = {str(name): tuple(each["statuses"]) for name, each in codes.items()}


def describe(contract: Contract, document: Document, served_at: str) -> Described:
    """Match all that a document describes. `served_at` is the path at which it was found.

    Raises `Misconfigured` where the document describes no routes.
    """
    places = places_of(document, routes_of(document))
    roles = find_roles(lexicon(), collections_of(document, places))
    nouns = {role: one.collection.noun for role, one in roles.items()}
    words = lexicon().calling(nouns)
    found = find_operations(words, document, places, roles)
    asked = {
        resource: _id_of(found, shown, nouns.get(role, ""))
        for role, (resource, shown) in _SHOWN_BY_ID.items()
    }
    asked["job"] = {**asked["job"], **_title_of(words, found)}
    seen = {
        name: match_fields(words, name, those, asked.get(name, {}))
        for name, those in things_of(words, document, found, nouns).items()
    }
    guesses = [
        *_of_routes(contract, words, document, found, served_at),
        *guess_fields(seen),
        *guess_archive(seen, found),
    ]
    missing = missing_operations(contract.operations, found, roles, places, served=bool(served_at))
    return Described(
        words=words,
        nouns=nouns,
        found=found,
        seen=seen,
        said={role: said_of(seen.get(resource)) for role, resource in ROLES.items()},
        guesses=tuple(guesses),
        absent=(*missing, *missing_fields(seen)),
        types=_types(words, found),
        notes=tuple(_note(role, roles.get(role)) for role in ROLES),
    )


def _of_routes(
    contract: Contract,
    words: Lexicon,
    document: Document,
    found: Sequence[OperationMatch],
    served_at: str,
) -> Iterator[Guess]:
    sure = {one.name: one.route for one in found if one.certainty.is_written}
    shown = {
        name: route for name, route in sure.items() if name in RETURNED_BY and name != "getManifest"
    }
    yield from guess_envelope(words, document, shown, [*filter(LISTS.__contains__, shown)])
    yield from guess_headers(words, sure)
    problem, code = guess_problem(words, document, list(sure.values()))
    yield from problem
    yield from guess_refusals(words, code, sure, contract.codes)
    yield from guess_constants(words, document, sure)
    for one in sorted(found, key=lambda each: list(contract.operations).index(each.name)):
        yield from guess_operation(words, one, contract.operations[one.name])
    yield from guess_redirects(found)
    if served_at and served_at != contract.operations["openapi"].path:
        yield Guess(
            table=("contract", "operations", "openapi"),
            key=("path",),
            value=served_at,
            certainty=Certainty.SURE,
            why="the document was there",
        )


def _types(words: Lexicon, found: Sequence[OperationMatch]) -> tuple[str, ...]:
    """The words that a request for an export lists as types: in its path or its body."""
    route = _sure_route(found, "requestExport")
    if route is None:
        return ()
    in_body = match_fields(words, "new_export", route.body).place_of("export_type")
    listed = [each.words for each in (*route.in_path.values(), in_body) if each and each.words]
    return listed[0] if listed else ()


def _title_of(words: Lexicon, found: Sequence[OperationMatch]) -> Said:
    """What a new job's title is called in the request: it is shown under the same name."""
    route = _sure_route(found, "createJob")
    place = match_fields(words, "new_job", route.body).place_of("title") if route else None
    return {"title": (place.own,)} if place is not None else {}


def _sure_route(found: Sequence[OperationMatch], name: str) -> Route | None:
    return next((one.route for one in found if one.name == name and one.matched.is_written), None)


_SHOWN_BY_ID: Mapping[str, tuple[str, str]] = {
    "job": ("job", "getJob"),
    "evidence": ("evidence", "getEvidence"),
    "export": ("export", "getExport"),
    "ledger": ("ledger_event", "getLedgerEvent"),
}
"""By role: its resource, and the operation whose path ends with the id of one."""


def _id_of(found: Sequence[OperationMatch], name: str, noun: str) -> Said:
    """What the id of a thing is called: as the parameter by which one is asked for."""
    route = next((one.route for one in found if one.name == name), None)
    last = route.segments[-1] if route is not None and route.segments else ""
    if not is_parameter(last):
        return {}
    own = words_of(last)
    short = tuple(word for word in own if word not in noun.split())
    return {"id": tuple(each for each in (own, short) if each and is_id_name(each))}


def _note(role: str, one: Role | None) -> str:
    if one is None:
        return f"{role}: no collection of the API is one"
    return f"{role}: {one.collection.said} ({one.certainty.name.lower()}: {one.why})"
