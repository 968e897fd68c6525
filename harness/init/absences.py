"""What is absent in the small, and what a backend wants beside the contract's requests."""

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.init.fields import match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon
from harness.init.references import Document
from harness.init.routes import Route
from harness.init.sending import MEMBERS
from harness.init.things import FITS
from harness.untrusted.members import items, table
from harness.vocabulary.exports import EXPORT_TYPES
from harness.vocabulary.resources import LISTS

_WITHOUT = ("contract", "without")

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "listLedgerEvents": ("target_id",),
    "requestExport": ("filters",),
    "uploadEvidence": ("tag", "phase", "captured_at"),
    "verifyManifest": ("manifest",),
}
"""Members of requests that a backend may be without."""

_HEADERS = ("Location", "Retry-After", "Repr-Digest", "X-Request-ID")


def guess_without(
    lexicon: Lexicon,
    routes: Mapping[str, Route],
    values: Sequence[Guess],
    types: Sequence[str],
) -> Iterator[Guess]:
    """Say which pages, parameters, types and headers the document does not have.

    `routes` are by the contract's operation, `types` the types of exports that are listed.
    """
    yield from _pages(lexicon, routes)
    yield from _parameters(lexicon, routes)
    meant = {
        one.key[0]: one.value
        for one in values
        if one.table[-1] == "export_type" and one.certainty.is_written
    }
    meant |= {each: each for each in types if each in EXPORT_TYPES}
    missing = [each for each in EXPORT_TYPES if each not in meant]
    if meant and missing and len(types) == len(meant):
        why = f"only {', '.join(types)} is listed"
        yield Guess(
            table=_WITHOUT,
            key=("export_types",),
            value=tuple(missing),
            certainty=Certainty.LIKELY,
            why=why,
        )
    described = {
        name.lower()
        for route in routes.values()
        for answer in route.answers
        for name in answer.headers
    }
    lacking = [name for name in _HEADERS if name.lower() not in described]
    if lacking and routes:
        why = "no answer describes them; many generators leave headers out, so try it"
        yield Guess(
            table=_WITHOUT,
            key=("headers",),
            value=tuple(lacking),
            certainty=Certainty.DOUBTFUL,
            why=why,
        )


def _pages(lexicon: Lexicon, routes: Mapping[str, Route]) -> Iterator[Guess]:
    lists = {name: routes[name] for name in sorted(LISTS) if name in routes}
    whole = [name for name, route in lists.items() if not _has_pages(lexicon, route)]
    if not whole:
        return
    everything = len(whole) == len(lists) and len(lists) > 1
    yield Guess(
        table=_WITHOUT,
        key=("pages",),
        value=True if everything else tuple(whole),
        certainty=Certainty.LIKELY,
        why="no cursor or limit in the query",
    )


def _has_pages(lexicon: Lexicon, route: Route) -> bool:
    found = match_fields(lexicon, "page_query", route.query)
    numbered = any(
        {"page", "offset", "skip"} & {*each.name.lower().split("_")} for each in route.query
    )
    return bool(found.found) or numbered


def _parameters(lexicon: Lexicon, routes: Mapping[str, Route]) -> Iterator[Guess]:
    lacking: list[str] = []
    unclear: list[str] = []
    for name, members in _PARAMETERS.items():
        if name not in routes:
            continue
        route = routes[name]
        places = route.query if name == "listLedgerEvents" else route.body
        matched = match_fields(lexicon, MEMBERS[name], places)
        kinds = lexicon.tables["fields"][MEMBERS[name]]
        taken = {one.place.pointer for one in matched.found}
        for member in members:
            if any(one.field == member for one in matched.found):
                continue
            left = [
                each
                for each in places
                if each.pointer not in taken and FITS[kinds[member]["kind"]].get(each.kind, 0) > 0.5
            ]
            known = name == "listLedgerEvents" or places
            (lacking if known and not left else unclear).append(f"{name}.{member}")
    for names, certainty in ((lacking, Certainty.LIKELY), (unclear, Certainty.DOUBTFUL)):
        if names:
            why = (
                "nothing that is sent could be it" if names is lacking else "nothing reads like it"
            )
            yield Guess(
                table=_WITHOUT,
                key=("parameters",),
                value=tuple(names),
                certainty=certainty,
                why=why,
            )


def guess_constants(
    lexicon: Lexicon, document: Document, routes: Mapping[str, Route]
) -> Iterator[Guess]:
    """Say what every request needs beside the contract's: a gateway's key, a required member."""
    yield from _gateway_key(document)
    for name, members in MEMBERS.items():
        route = routes.get(name)
        if route is None or name in {"listLedgerEvents", "verifyManifest"}:
            continue
        taken = {one.place.pointer for one in match_fields(lexicon, members, route.body).found}
        for place in route.body:
            if not place.required or place.pointer in taken or place.pointer.count("/") > 1:
                continue
            value = place.words[0] if place.words else ""
            why = (
                f"required; the first of its words: {', '.join(place.words[:6])}"
                if value
                else "required, and the contract has nothing like it: what should be sent?"
            )
            yield Guess(
                table=("contract", "operations", name, "constants"),
                key=("body", place.name),
                value=value,
                certainty=Certainty.LIKELY if value else Certainty.DOUBTFUL,
                why=why,
            )


def _gateway_key(document: Document) -> Iterator[Guess]:
    schemes = table(table(document.root, "components"), "securitySchemes")
    for name, raw in schemes.items():
        scheme = document.resolved(raw)
        header = str(scheme.get("name", ""))
        if scheme.get("type") != "apiKey" or scheme.get("in") != "header":
            continue
        if header.lower() == "authorization":
            continue
        beside = _used_beside(document, str(name))
        # A name of its own: a document must not choose which variable of this machine is sent.
        variable = "GATEWAY_" + re.sub(r"\W+", "_", header).strip("_").upper()
        yield Guess(
            table=("contract", "constants"),
            key=("headers", header),
            value=f"{{env:{variable}}}",
            certainty=Certainty.LIKELY if beside else Certainty.DOUBTFUL,
            why="asked for beside the token" if beside else "a key in a header; is it a gateway's?",
        )


def _used_beside(document: Document, name: str) -> bool:
    """Whether a scheme is demanded together with another one."""
    demanded = [
        each
        for item in table(document.root, "paths").values()
        for method in ("get", "post")
        for each in items(table(item, method), "security")
    ]
    demanded += items(document.root, "security")
    return any(isinstance(each, Mapping) and name in each and len(each) > 1 for each in demanded)
