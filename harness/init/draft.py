"""A first target file from everything that was seen: each line a guess with its reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.init.absences import guess_constants, guess_without
from harness.init.catalog import Catalog
from harness.init.claiming import guess_function
from harness.init.conventions import guess_headers, guess_problem, guess_refusals
from harness.init.envelopes import guess_envelope, thing_of
from harness.init.fields import Matched, Said, match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon, lexicon
from harness.init.missing import missing_fields, missing_operations
from harness.init.nouns import ROLES, Role, collections_of, find_roles, places_of
from harness.init.operations import Finder, OperationMatch
from harness.init.references import Document, table
from harness.init.routes import Route, routes_of
from harness.init.sending import guess_sending
from harness.init.tables import TableMatch, find_tables, guess_catalog, guess_claim, guess_ledger
from harness.init.things import Property, properties
from harness.init.values import guess_values
from harness.vocabulary.resources import LISTS, RETURNED_BY

_SINGLES: Mapping[str, tuple[str, ...]] = {
    "job": ("getJob", "createJob", "listJobs"),
    "evidence": ("getEvidence", "uploadEvidence", "listEvidence"),
    "export": ("getExport", "requestExport", "listExports"),
    "ledger_event": ("getLedgerEvent", "listLedgerEvents"),
    "ledger_verification": ("verifyLedgerEvent",),
    "manifest_verification": ("verifyManifest",),
    "manifest": ("getManifest",),
}
"""By resource: the operations that show one, the plainest first."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What will be written."""

    guesses: tuple[Guess, ...] = ()
    absent: tuple[Guess, ...] = ()
    """Each with the name as its value."""
    notes: tuple[str, ...] = ()
    ready_path: str = ""
    has_ledger: bool = False
    """Whether `[ledger]` is written, which needs a salt."""
    has_lease: bool = False
    """Whether claims are leases, whose length a worker's table says."""


@dataclass(frozen=True, kw_only=True)
class _Api:
    """All that a document says."""

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


class Draftsman:
    """Puts together what the document and the database say."""

    def __init__(self, contract: Document) -> None:
        self._contract = {
            each.operation_id: each for each in routes_of(contract) if each.operation_id
        }
        problem = table(table(table(contract.root, "components"), "schemas"), "Problem")
        codes = table(table(table(problem, "properties"), "code"), "x-codes")
        self._codes = {str(name): tuple(each["statuses"]) for name, each in codes.items()}

    def draft(
        self, document: Document | None, catalog: Catalog | None, served_at: str = ""
    ) -> Draft:
        """Draft the file. `served_at` is the path at which the backend serves its document.

        Raises `Misconfigured` where the document describes no routes.
        """
        api = self._api(document, served_at) if document is not None else _Api()
        tables = find_tables(api.words, catalog, api.nouns, api.said) if catalog else {}
        of_tables = [*_of_tables(api.words, tables, catalog)] if catalog else []
        listed = {
            name: {one.field: one.place.words for one in matched.found if one.place.words}
            for name, matched in api.seen.items()
        }
        if api.types:
            listed.setdefault("export", {}).setdefault("export_type", api.types)
        for role, match in tables.items():
            here = listed.setdefault(ROLES[role], {})
            for one in match.columns.found:
                if one.place.words:
                    here.setdefault(one.field, one.place.words)
        values = [
            guess
            for resource, fields in listed.items()
            for guess in guess_values(api.words, resource, fields, api.nouns.get("export", ""))
        ]
        without = guess_without(
            api.words, api.routes, values, [*listed.get("export", {}).get("export_type", ())]
        )
        written = [one for one in of_tables if one.certainty.is_written]
        return Draft(
            guesses=tuple(map(_harmless, (*api.guesses, *of_tables, *values, *without))),
            absent=api.absent,
            notes=api.notes,
            ready_path=_ready(api.found),
            has_ledger=any(one.table[0] == "ledger" for one in written),
            has_lease=any(one.key == ("lease_until",) for one in written),
        )

    def _api(self, document: Document, served_at: str) -> "_Api":
        """Match all that the document describes."""
        places = places_of(document, routes_of(document))
        roles = find_roles(lexicon(), collections_of(document, places))
        nouns = {role: one.collection.noun for role, one in roles.items()}
        words = lexicon().calling(nouns)
        found = Finder(words, document, places, roles).matches()
        things = _things(words, document, found)
        asked = {"job": _title_of(words, found)}
        seen = {
            name: match_fields(words, name, those, asked.get(name, {}))
            for name, those in things.items()
        }
        guesses = [
            *self._of_routes(words, document, found, served_at),
            *_of_fields(seen),
            *_of_archive(seen, found),
        ]
        return _Api(
            words=words,
            nouns=nouns,
            found=found,
            seen=seen,
            said={role: _said(seen.get(resource)) for role, resource in ROLES.items()},
            guesses=tuple(guesses),
            absent=(
                *missing_operations(self._contract, found, roles, places, served=bool(served_at)),
                *missing_fields(seen),
            ),
            types=_types(words, found),
            notes=tuple(_note(role, roles.get(role)) for role in ROLES),
        )

    def _of_routes(
        self,
        words: Lexicon,
        document: Document,
        found: Sequence[OperationMatch],
        served_at: str,
    ) -> Iterator[Guess]:
        sure = {one.name: one.route for one in found if one.certainty.is_written}
        shown = {
            name: route
            for name, route in sure.items()
            if name in RETURNED_BY and name != "getManifest"
        }
        yield from guess_envelope(words, document, shown, [*filter(LISTS.__contains__, shown)])
        yield from guess_headers(words, sure)
        problem, code = guess_problem(words, document, list(sure.values()))
        yield from problem
        yield from guess_refusals(words, code, sure, self._codes)
        yield from guess_constants(words, document, sure)
        for one in sorted(found, key=lambda each: list(self._contract).index(each.name)):
            yield from self._operation(words, one)
        yield from _health(found)
        yield from _redirects(found)
        if served_at and served_at != self._contract["openapi"].path:
            yield Guess(
                table=("contract", "operations", "openapi"),
                key=("path",),
                value=served_at,
                certainty=Certainty.SURE,
                why="the document was there",
            )

    def _operation(self, words: Lexicon, one: OperationMatch) -> Iterator[Guess]:
        ours = self._contract[one.name]
        where = ("contract", "operations", one.name)
        if one.route.method != ours.method:
            yield Guess(
                table=where,
                key=("method",),
                value=one.route.method,
                certainty=one.certainty,
                why=one.why,
            )
        if one.path != ours.path:
            yield Guess(
                table=where, key=("path",), value=one.path, certainty=one.certainty, why=one.why
            )
        theirs = [status for status in one.route.successes if status != _PARTIAL]
        if one.name in _DOWNLOADS and one.route.redirects:
            success = (*theirs, *one.route.redirects)
        elif theirs and ours.successes[0] not in theirs:
            success = tuple([each for each in theirs if each not in ours.successes] or theirs)
        else:
            success = ()
        if success:
            # A redirect needs its hosts, which only a person or the doctor can say.
            leads_away = one.name in _DOWNLOADS and bool(one.route.redirects)
            yield Guess(
                table=where,
                key=("success",),
                value=success,
                certainty=Certainty.DOUBTFUL if leads_away else one.certainty,
                why="as described; goes with [contract.redirects]"
                if leads_away
                else "as described",
            )
        yield from guess_sending(words, one, ours)


def _types(words: Lexicon, found: Sequence[OperationMatch]) -> tuple[str, ...]:
    """The words that a request for an export lists as types: in its path or its body."""
    route = next((one.route for one in found if one.name == "requestExport"), None)
    if route is None:
        return ()
    in_body = match_fields(words, "new_export", route.body).place_of("export_type")
    listed = [each.words for each in (*route.in_path.values(), in_body) if each and each.words]
    return listed[0] if listed else ()


def _title_of(words: Lexicon, found: Sequence[OperationMatch]) -> Said:
    """What a new job's title is called in the request: it is shown under the same name."""
    route = next((one.route for one in found if one.name == "createJob"), None)
    place = match_fields(words, "new_job", route.body).place_of("title") if route else None
    return {"title": (place.own,)} if place is not None else {}


def _redirects(found: Sequence[OperationMatch]) -> Iterator[Guess]:
    """Where downloads lead elsewhere, the host is for a person to say."""
    leading = [one for one in found if one.name in _DOWNLOADS and one.route.redirects]
    if leading:
        why = f"{leading[0].route} answers with a redirect: to which host, and for how long?"
        for key, value in (("hosts", ("storage.example.net",)), ("expires_s", 60)):
            yield Guess(
                table=("contract", "redirects"),
                key=(key,),
                value=value,
                certainty=Certainty.DOUBTFUL,
                why=why,
            )


def _health(found: Sequence[OperationMatch]) -> Iterator[Guess]:
    """Where one route speaks of health, it is what says that the backend is ready."""
    by_name = {one.name: one for one in found if one.certainty.is_written}
    if "health" not in by_name:
        return
    if "ready" not in by_name:
        yield Guess(
            table=("contract", "operations", "ready"),
            key=("path",),
            value=by_name["health"].path,
            certainty=Certainty.LIKELY,
            why="the only route that speaks of health",
        )


def _of_tables(
    words: Lexicon, tables: Mapping[str, TableMatch], catalog: Catalog
) -> Iterator[Guess]:
    if "ledger" in tables:
        yield from guess_ledger(tables["ledger"], catalog)
    if "export" in tables:
        yield from guess_function(words, catalog)
        yield from guess_claim(tables["export"])
    yield from guess_catalog(words, catalog, tables)


_DOWNLOADS = frozenset({"getEvidenceContent", "downloadExport", "getManifest"})
"""Operations that may answer with a redirect to a signed address."""

_PARTIAL = 206
_WHOLE = ("job", "evidence", "export", "ledger_event")
"""Resources of which a field may be declared absent."""


def _harmless(guess: Guess) -> Guess:
    """Take a line out of effect that would send a variable of this machine to the backend."""
    values = [guess.value] if isinstance(guess.value, str) else guess.value
    texts = values if isinstance(values, list | tuple) else []
    ours = guess.table == ("contract", "constants")
    if ours or not any("{env:" in str(each) for each in (*texts, *guess.key)):
        return guess
    return replace(guess, certainty=Certainty.DOUBTFUL, why="reads a variable of this machine")


def _note(role: str, one: Role | None) -> str:
    if one is None:
        return f"{role}: no collection of the API is one"
    return f"{role}: {one.collection.said} ({one.certainty.name.lower()}: {one.why})"


def _ready(found: Sequence[OperationMatch]) -> str:
    by_name = {one.name: one for one in found if one.certainty.is_written}
    for name in ("ready", "health", "live"):
        if name in by_name:
            return by_name[name].path
    return ""


def _things(
    words: Lexicon, document: Document, found: Sequence[OperationMatch]
) -> dict[str, tuple[Property, ...]]:
    """The properties of each resource, and of the parts of the manifest."""
    routes = {one.name: one.route for one in found if one.certainty.is_written}
    things: dict[str, tuple[Property, ...]] = {}
    for resource, names in _SINGLES.items():
        those = max(
            (thing_of(document, routes[name]) for name in names if name in routes),
            key=len,
            default=(),
        )
        if those:
            things[resource] = those
    for part, member, kind in (
        ("manifest_file", "files", "list"),
        ("manifest_head", "ledger_head", "object"),
    ):
        if "manifest" not in things:
            break
        whole = match_fields(words, "manifest", things["manifest"]).place_of(member)
        if whole is not None and whole.kind == kind:
            schema = whole.schema.get("items") if kind == "list" else whole.schema
            things[part] = properties(document, schema)
    return things


def _said(matched: Matched | None) -> Said:
    """What the API calls each field: by its name, and by that of the object it is in before it."""
    found = [one for one in (matched.found if matched else ()) if one.certainty.is_written]
    plain = Counter(one.place.own for one in found)
    return {
        one.field: tuple(
            name
            for name in ((*one.place.around, *one.place.own), one.place.own)
            if one.place.around == () or name != one.place.own or plain[name] == 1
        )
        for one in found
    }


def _of_fields(seen: Mapping[str, Matched]) -> Iterator[Guess]:
    for resource, matched in seen.items():
        where = ("contract", "fields", resource)
        by_field = {one.field: one for one in matched.found}
        for one in sorted(matched.found, key=lambda each: each.place.pointer):
            if one.place.pointer != f"/{one.field}":
                yield Guess(
                    table=where,
                    key=(one.field,),
                    value=one.place.pointer,
                    certainty=one.certainty,
                    why=one.why,
                )
        if resource == "evidence" and "evidence_id" not in by_field and "id" in by_field:
            # The contract shows the id twice.
            one = by_field["id"]
            for name in ("id", "evidence_id"):
                if name != "id" or one.place.pointer == "/id":
                    yield Guess(
                        table=where,
                        key=(name,),
                        value=one.place.pointer,
                        certainty=one.certainty,
                        why="the id, once",
                    )
        digest = by_field.get("manifest_hash")
        if resource == "export" and digest is not None and "ledger_event" in seen:
            metadata = seen["ledger_event"].place_of("metadata")
            if metadata is not None:
                yield Guess(
                    table=("contract", "fields", "ledger_event"),
                    key=("metadata.manifest_hash",),
                    value=f"{metadata.pointer}/{digest.place.name}",
                    certainty=Certainty.DOUBTFUL,
                    why="if the event of a finished export has it under the same name",
                )


def _of_archive(seen: Mapping[str, Matched], found: Sequence[OperationMatch]) -> Iterator[Guess]:
    """What is in an export's ZIP, which no document shows: for a person to say."""
    why = "nothing shows the files of an export; if they are as the API's answers"
    for one in seen["ledger_event"].found if "ledger_event" in seen else ():
        if one.certainty.is_written and one.place.pointer != f"/{one.field}":
            yield Guess(
                table=("contract", "fields", "ledger_line"),
                key=(one.field,),
                value=one.place.pointer,
                certainty=Certainty.DOUBTFUL,
                why=why,
            )
    manifest = next((one.route for one in found if one.name == "getManifest"), None)
    if manifest is not None and manifest.segments[-1] != "manifest":
        yield Guess(
            table=("contract", "archive"),
            key=("manifest",),
            value=f"{manifest.segments[-1]}.json",
            certainty=Certainty.DOUBTFUL,
            why="nothing shows what the files of an export are called",
        )
