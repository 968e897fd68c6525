"""Whether the database has the tables and columns that the target file names."""

from collections.abc import AsyncIterator, Mapping, Sequence
from difflib import get_close_matches

import psycopg

from harness.database import Database
from harness.doctor.canonical import look_at_canonical_function
from harness.doctor.claiming import look_at_claim_function
from harness.doctor.hashes import Hashes
from harness.doctor.step import Step
from harness.errors import Inconclusive, Misconfigured
from harness.redaction.redactor import Redactor
from harness.system.declared_names import DatabaseNames, unquoted
from harness.system.reader import refuse_unfit_reader
from harness.target import Target
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import ExportColumn

_EXPORT: Sequence[ExportColumn] = (
    *("id", "organization_id", "state", "attempt", "claimed_by", "heartbeat_at"),
    *("started_at", "created_at", "error_code"),
)
_MOST_TABLES = 40


async def look_at_database(
    target: Target, url: str | None, *, is_ours: bool
) -> AsyncIterator[Step]:
    """Look at the role that reads the database, and at what the target file names in it.

    `is_ours`: the harness runs the server, and made the role.
    """
    if url is None:
        yield Step(
            name="database",
            how="not looked at",
            seen="the target file names none: what only rows can show is not checked",
            hint="a role that reads everything and changes nothing is enough",
            lines=("[database]", 'source = "external"', 'url = "{env:SHAKEDOWN_DATABASE_URL}"'),
        )
        return
    if not is_ours:
        yield await _role(url)
    database = Database(url)
    try:
        async for step in _named(target, database, url):
            yield step
    finally:
        await database.close()


async def _named(target: Target, database: Database, url: str) -> AsyncIterator[Step]:
    """Look at what the target file names in the database, and at what it says of it."""
    try:
        names = await DatabaseNames.read(database)
    except (Inconclusive, psycopg.Error) as error:
        seen = Redactor([url])(str(error)).splitlines()[0]
        yield Step(name="schema", how="not looked at", seen=seen)
        return
    yield _exports(target, names)
    if target.claim is not None:
        yield await look_at_claim_function(target.claim, database)
    ledger = _ledger(target, names)
    yield ledger
    if target.ledger is not None and ledger.how == "holds":
        if (name := target.ledger.canonical_function) is not None:
            yield await look_at_canonical_function(name, target.ledger, database)
        yield await Hashes(database=database, ledger=target.ledger).look()


async def _role(url: str) -> Step:
    try:
        version = await refuse_unfit_reader(url)
    except Misconfigured as problem:
        first, *rest = problem.what.splitlines()
        return Step(name="database role", how="does not hold", seen=first, request="\n".join(rest))
    return Step(name="database role", how="holds", seen=f"it only reads; PostgreSQL {version}")


def _exports(target: Target, names: DatabaseNames) -> Step:
    table = ExportTable.of(target)
    if table is None or target.claim is None:
        return _unnamed("table of exports", "[claim]", ("export", "package", "job"), names)
    wanted = {str(name): next(iter(table.needed(name)), "") for name in _EXPORT}
    return _table("table of exports", "claim", target.claim.table, wanted, names)


def _ledger(target: Target, names: DatabaseNames) -> Step:
    ledger = target.ledger
    if ledger is None:
        return _unnamed("table of the ledger", "[ledger]", ("audit", "ledger", "log"), names)
    wanted = {name: column or "" for name, column in ledger.columns.model_dump().items()}
    return _table("table of the ledger", "ledger", ledger.table, wanted, names)


def _unnamed(name: str, table: str, words: Sequence[str], names: DatabaseNames) -> Step:
    plain = _shown(names)
    likely = [each for each in plain if any(word in each for word in words)] or plain
    shown = ", ".join(likely[:_MOST_TABLES])
    return Step(
        name=name,
        how="not looked at",
        seen=f"the target file has no {table}; tables that may be it: {shown or 'none'}",
        lines=(table, 'table = "…"'),
    )


def _shown(names: DatabaseNames) -> list[str]:
    """The tables as a target file must write them."""
    return sorted(each.shown for each in names.tables)


def _table(
    name: str,
    key: str,
    table: str,
    wanted: Mapping[str, str],
    names: DatabaseNames,
) -> Step:
    found = names.table(table)
    if found is None:
        plain = _shown(names)
        near = get_close_matches(table, plain, n=1, cutoff=0.4) or ["…"]
        return Step(
            name=name,
            how="does not hold",
            seen=f"there is no table {table}; there are: {', '.join(plain[:_MOST_TABLES])}",
            lines=(f"[{key}]", f'table = "{near[0]}"'),
        )
    columns = found.columns
    missing = {
        each: column
        for each, column in wanted.items()
        if column and unquoted(column) not in columns
    }
    if not missing:
        return Step(name=name, how="holds", seen=f"{table}, with every column that is named")
    lines = [f"[{key}.columns]"]
    for each, column in missing.items():
        near = get_close_matches(column, columns, n=1, cutoff=0.6)
        lines.append(f'{each} = "{near[0] if near else "…"}"')
    return Step(
        name=name,
        how="does not hold",
        seen=f"{table} has no {', '.join(missing.values())}; it has {', '.join(columns)}",
        lines=tuple(lines),
    )
