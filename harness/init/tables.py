"""Which table is the ledger and which holds the exports, and what their columns are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.init.catalog import Catalog, TableSeen
from harness.init.fields import FieldMatch, Matched, Said, fit, match_fields
from harness.init.guess import Certainty, Guess, assign
from harness.init.hashed_text import guess_hashed_text, hashed_members
from harness.init.lexicon import Lexicon, words_of
from harness.init.roles import ROLES

CLAIM_COLUMNS = (
    *("id", "organization_id", "state", "attempt", "claimed_by"),
    *("heartbeat_at", "started_at", "created_at", "error_code"),
)
_MAY_BE_MISSING = ("attempt", "claimed_by", "heartbeat_at", "started_at", "error_code")
_LEDGER_MAY_MISS = ("actor_id", "target_type", "salt_key_id", "canonical_version")


@dataclass(frozen=True, kw_only=True)
class TableMatch:
    """A table of the backend, and what it is."""

    role: str
    table: TableSeen
    certainty: Certainty
    why: str
    columns: Matched
    lease: Matched


def find_tables(
    lexicon: Lexicon,
    catalog: Catalog,
    nouns: Mapping[str, str],
    said: Mapping[str, Said],
) -> Mapping[str, TableMatch]:
    """Give each role its table.

    `nouns` is what the API calls each role, and `said` the words that it has for each field.
    """
    by_name = {table.written: table for table in catalog.tables}
    scores = {
        (role, name): _score(lexicon, role, table, nouns.get(role), said.get(role, {}))
        for role in ROLES
        for name, table in by_name.items()
    }
    found = {}
    for pair in assign(scores):
        if pair.certainty is None:
            continue
        table = by_name[pair.theirs]
        columns = match_fields(lexicon, ROLES[pair.ours], table.columns, said.get(pair.ours, {}))
        found[pair.ours] = TableMatch(
            role=pair.ours,
            table=table,
            certainty=pair.certainty,
            why=_why(pair.ours, table, nouns.get(pair.ours), columns),
            columns=columns,
            lease=match_fields(lexicon, "lease", table.columns),
        )
    return found


def _score(lexicon: Lexicon, role: str, table: TableSeen, noun: str | None, said: Said) -> float:
    own = words_of(table.name)
    named = lexicon.one_of(lexicon.tables["nouns"][role], own)
    if noun is not None and set(noun.split()) <= set(own):
        named = 1.0 / (1 + 0.15 * (len(own) - len(noun.split())))
    like = min(fit(lexicon, ROLES[role], table.columns, said) * 1.8, 1.0)
    return 0.5 * named + 0.5 * like


def _why(role: str, table: TableSeen, noun: str | None, columns: Matched) -> str:
    named = noun is not None and set(noun.split()) <= set(words_of(table.name))
    reasons = ["named as in the API"] if named else []
    reasons.append(f"has columns for {len(columns.found)} fields of {_A[role]}")
    return ", ".join(reasons)


_A = {"job": "a job", "evidence": "evidence", "export": "an export", "ledger": "an event"}


def _table(match: TableMatch, where: tuple[str, ...], ours: str) -> Iterator[Guess]:
    """Name a table, where it is not called as in the contract."""
    if match.table.written != ours:
        yield Guess(
            table=where,
            key=("table",),
            value=match.table.written,
            certainty=match.certainty,
            why=match.why,
        )


def _columns(match: TableMatch, where: tuple[str, ...]) -> Iterator[Guess]:
    """Name its columns, where they are not called as in the contract."""
    for one in match.columns.found:
        if one.place.name != one.field:
            yield _named(one, where, one.field, match)


def _named(one: FieldMatch, where: tuple[str, ...], key: str, match: TableMatch) -> Guess:
    """A column, as sure as it and its table are."""
    return Guess(
        table=where,
        key=(key,),
        value=one.place.name,
        certainty=min(one.certainty, match.certainty),
        why=one.why,
    )


def guess_ledger(match: TableMatch, catalog: Catalog) -> Iterator[Guess]:
    """Write `[ledger]`: table, columns, and the function that looks like the canonical text."""
    where = ("ledger",)
    yield from _table(match, where, "audit_logs")
    yield from _columns(match, (*where, "columns"))
    for name in _LEDGER_MAY_MISS:
        if name in match.columns.missing:
            yield Guess(
                table=("ledger", "columns"),
                key=(name,),
                value="",
                certainty=min(Certainty.LIKELY, match.certainty),
                why="no column could be it",
            )
    number = match.columns.place_of("ledger_seq")
    if number is not None and number.numbered:
        yield Guess(
            table=where,
            key=("sequence",),
            value="global",
            certainty=min(Certainty.LIKELY, match.certainty),
            why=f"no two rows of the table have the same {number.name}",
        )
    columns = {one.field: one.place.name for one in match.columns.found}
    for function in catalog.functions:
        kind = function.arguments.split()[-1:] or [""]
        if kind[0].strip('"') != match.table.name or not hashed_members(function):
            continue
        yield Guess(
            table=where,
            key=("canonical_function",),
            value=function.written,
            certainty=Certainty.DOUBTFUL,
            why=f"makes {function.result} of a row of {match.table.name}: is it what is hashed?",
        )
        yield from guess_hashed_text(function, columns, match.certainty)


def guess_claim(match: TableMatch) -> Iterator[Guess]:
    """Write `[claim]`: the table of exports, its columns, how claims end."""
    where = ("claim",)
    yield from _table(match, where, "exports")
    lease = next((one for one in match.lease.found if one.field == "lease_until"), None)
    if lease is not None:
        yield _named(lease, where, "lease_until", match)
    columns = ("claim", "columns")
    token = next((one for one in match.lease.found if one.field == "claim_token"), None)
    if token is not None:
        yield _named(token, columns, "claim_token", match)
    by_field = {one.field: one for one in match.columns.found}
    for name in CLAIM_COLUMNS:
        one = by_field.get(name)
        if one is not None and one.place.name != name:
            yield _named(one, columns, name, match)
        elif one is None and name in _MAY_BE_MISSING and not (name == "heartbeat_at" and lease):
            gone = name in match.columns.missing
            certainty = Certainty.LIKELY if gone else Certainty.DOUBTFUL
            yield Guess(
                table=columns,
                key=(name,),
                value="",
                certainty=certainty,
                why="no column reads like it",
            )


def guess_catalog(
    lexicon: Lexicon, catalog: Catalog, found: Mapping[str, TableMatch]
) -> Iterator[Guess]:
    """Write `[catalog]`: other names of tables, and the schemas of a platform."""
    for key, role, ours in (("jobs", "job", "jobs"), ("evidence", "evidence", "evidence")):
        if role in found and found[role].table.written != ours:
            yield Guess(
                table=("catalog", "tables"),
                key=(key,),
                value=found[role].table.written,
                certainty=found[role].certainty,
                why=found[role].why,
            )
    known = lexicon.tables["platform"]["schemas"]
    theirs = {match.table.schema for match in found.values()}
    platform = [name for name in catalog.schemas if name in known and name not in theirs]
    if platform:
        yield Guess(
            table=("catalog",),
            key=("ignore_schemas",),
            value=tuple(platform),
            certainty=Certainty.LIKELY,
            why="schemas of a platform or an extension",
        )
