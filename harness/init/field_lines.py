"""The lines of `[contract.fields]`: what shows each thing, and what its fields are called."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.init.envelopes import thing_of
from harness.init.fields import Matched, Said, match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon
from harness.init.operation_names import ROLE_OF
from harness.init.operations import OperationMatch
from harness.init.references import Document
from harness.init.things import Property, properties

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

_OF_THEIR_OWN = frozenset({"verifyManifest"})
"""Operations whose answer shows what is in it, whatever it is about."""


def things_of(
    words: Lexicon, document: Document, found: Sequence[OperationMatch], nouns: Mapping[str, str]
) -> dict[str, tuple[Property, ...]]:
    """The properties of each resource, and of the parts of the manifest.

    A route that no target file can name shows a thing as well as another.
    """
    routes = {one.name: one.route for one in found if one.matched.is_written}
    things: dict[str, tuple[Property, ...]] = {}
    for resource, names in _SINGLES.items():
        if names[0] not in _OF_THEIR_OWN and ROLE_OF[names[0]] not in nouns:
            continue  # a route of another noun shows that one
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


def said_of(matched: Matched | None) -> Said:
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


def guess_fields(seen: Mapping[str, Matched]) -> Iterator[Guess]:
    """Say where each field is, where that is not as in the contract."""
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


def guess_archive(seen: Mapping[str, Matched], found: Sequence[OperationMatch]) -> Iterator[Guess]:
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
