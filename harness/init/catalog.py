"""The database as its catalog shows it: tables, columns, the words that columns may hold."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from harness.database import Database
from harness.errors import Inconclusive, Misconfigured
from harness.init.lexicon import words_of
from harness.init.things import Property

_TABLE = re.compile(r"TABLE\((.*)\)")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_ONE_OF = re.compile(
    r"CHECK \(+\w+ = ANY|CHECK \(+\w+ IN|CHECK \(+\(\w+\)::text = ANY|CHECK \(+\w+ = '"
)

_SCHEMAS = (
    "SELECT nspname AS schema FROM pg_namespace WHERE nspname !~ '^pg_'"
    " AND nspname NOT IN ('information_schema', 'shakedown') ORDER BY nspname LIMIT 500"
)

_KINDS: Mapping[str, str] = {
    "uuid": "id",
    "json": "object",
    "jsonb": "object",
    "bytea": "digest",
    "boolean": "flag",
}
_BY_CATEGORY: Mapping[str, str] = {"D": "time", "N": "count", "S": "text", "E": "word", "A": "list"}


@dataclass(frozen=True, kw_only=True)
class TableSeen:
    """One table."""

    schema: str
    name: str
    columns: tuple[Property, ...]
    """Each as a property of the row."""

    @property
    def written(self) -> str:
        """The name as a target file has it: with its schema, unless that is `public`."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class FunctionSeen:
    """One function."""

    name: str
    arguments: str
    """As `pg_get_function_identity_arguments` gives them."""
    result: str
    schema: str = "public"
    definition: str = ""
    """Its SQL, as `pg_get_functiondef` gives it."""

    @property
    def written(self) -> str:
        """The name as a target file has it."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def inputs(self) -> tuple[Property, ...]:
        """What it takes, as properties."""
        return tuple(_parameter(each) for each in self._parts if not each.startswith("OUT "))

    @property
    def outputs(self) -> tuple[Property, ...]:
        """What it gives back by name; empty where that is a type of its own."""
        of_table = _TABLE.fullmatch(self.result)
        parts = (
            of_table[1].split(", ")
            if of_table
            else [each[4:] for each in self._parts if each.startswith("OUT ")]
        )
        return tuple(_parameter(each) for each in parts)

    @property
    def _parts(self) -> list[str]:
        return [each for each in self.arguments.split(", ") if each]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All that was seen."""

    tables: tuple[TableSeen, ...]
    schemas: tuple[str, ...]
    functions: tuple[FunctionSeen, ...]


async def read_catalog(url: str) -> Catalog:
    """Read the catalog, in a read-only transaction. Raises `Misconfigured` where it cannot be."""
    database = Database(url)
    try:
        columns = await database.fetch(_statement("catalog.sql"))
        schemas = await database.fetch(_SCHEMAS)
        functions = await database.fetch(_statement("functions.sql"))
    except Inconclusive as gap:
        raise Misconfigured(f"--database-url: {gap}") from gap
    finally:
        await database.close()
    if not columns:
        raise Misconfigured(
            "--database-url: the role sees no tables in this database; is it the backend's own "
            "database, and may the role use its schemas?"
        )
    return Catalog(
        tables=tables_of(columns),
        schemas=tuple(row["schema"] for row in schemas),
        functions=tuple(
            FunctionSeen(
                schema=row["schema"],
                name=row["name"],
                arguments=row["arguments"],
                result=str(row["result"]),
                definition=row["definition"] or "",
            )
            for row in functions
        ),
    )


def _statement(name: str) -> str:
    return (files("harness.init") / name).read_text(encoding="utf-8")


def tables_of(rows: Sequence[Mapping[str, Any]]) -> tuple[TableSeen, ...]:
    """Gather the columns of each table."""
    columns: dict[tuple[str, str], list[Property]] = {}
    for row in rows:
        columns.setdefault((row["schema"], row["table"]), []).append(_column(row))
    return tuple(
        TableSeen(schema=schema, name=name, columns=tuple(those))
        for (schema, name), those in columns.items()
    )


def _column(row: Mapping[str, Any]) -> Property:
    words = tuple(row["labels"]) or _listed(row["checks"])
    kind = _KINDS.get(row["type"]) or _BY_CATEGORY.get(row["category"], "any")
    return Property(
        pointer=f"/{row['column']}",
        own=words_of(row["column"]),
        around=(),
        kind="word" if words and kind == "text" else kind,
        words=words,
        nullable=bool(row["nullable"]),
        numbered=bool(row["numbered"]),
    )


def _parameter(text: str) -> Property:
    """`max_running integer` as a property; one without a name has its type alone."""
    name, _, kind = text.removeprefix("INOUT ").partition(" ")
    plain = kind.split("[")[0].strip() or name
    kinds = {"uuid": "id", "text": "text", "json": "object", "jsonb": "object", "boolean": "flag"}
    of_number = {"integer", "bigint", "smallint", "numeric"}
    return Property(
        pointer=f"/{name}",
        own=words_of(name),
        around=(),
        kind="count" if plain in of_number else kinds.get(plain, "any"),
    )


def _listed(checks: Sequence[str]) -> tuple[str, ...]:
    """The words of a CHECK that lists what a column may hold."""
    for check in checks:
        if _ONE_OF.match(check):
            return tuple(word.replace("''", "'") for word in _LITERAL.findall(check))
    return ()
