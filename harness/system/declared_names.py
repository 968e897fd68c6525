"""The names that a target file gives to what is in the database, held against the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from harness.database import Database
from harness.errors import Inconclusive
from harness.target import Target
from harness.target.load import DEFAULT_TARGET
from harness.target.tables.ledger import LedgerColumns
from harness.target.toml.lines import KeyPath
from harness.target.toml.nearest import unknown
from harness.target.toml.toml_file import Problem, TomlFile


@dataclass(frozen=True)
class KnownTable:
    """A table, view or foreign table of the database."""

    schema: str
    name: str
    visible: bool
    """Whether its name alone leads to it, for who reads."""
    columns: Sequence[str]

    @property
    def shown(self) -> str:
        """As it must be written in a target file."""
        return self.name if self.visible else f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class DatabaseNames:
    """What there is."""

    schemas: Sequence[str]
    roles: Sequence[str]
    tables: Sequence[KnownTable]

    @classmethod
    async def read(cls, database: Database) -> "DatabaseNames":
        """Read them. `Inconclusive` where that is not possible."""
        sql = files("harness.system").joinpath("declared_names.sql").read_text(encoding="utf-8")
        row: Mapping[str, Any] = await database.fetch_one(sql, {})
        return cls(
            schemas=row["schemas"],
            roles=row["roles"],
            tables=[KnownTable(*each.values()) for each in row["tables"]],
        )

    def table(self, name: str) -> KnownTable | None:
        """The table that a name of a target file leads to."""
        schema, _, bare = name.rpartition(".")
        wanted, inside = _folded(bare), _folded(schema)
        for each in self.tables:
            if each.name == wanted and (each.schema == inside or (not schema and each.visible)):
                return each
        return None


async def refuse_wrong_names(target: Target, readonly_url: str | None) -> None:
    """Raise `Misconfigured` for every name of the target file that the database does not have.

    With file and line. Where the database cannot be read, that is for the checks to say.
    """
    if readonly_url is None or not _names_anything(target):
        return
    try:
        async with Database(readonly_url) as database:
            names = await DatabaseNames.read(database)
    except Inconclusive:
        return
    if problems := list(wrong_names(target, names)):
        file = target.file or DEFAULT_TARGET
        raise TomlFile.read(file, "target file").misconfigured(problems)


def _names_anything(target: Target) -> bool:
    return target.ledger is not None or bool(target.catalog.model_fields_set)


def wrong_names(target: Target, names: DatabaseNames) -> Iterator[Problem]:
    """Find every name that the database does not have: where it stands, and what there is."""
    catalog = target.catalog
    for place, schema in enumerate(catalog.ignore_schemas):
        if schema not in names.schemas:
            yield ("catalog", "ignore_schemas", place), unknown("schema", schema, names.schemas)
    for role, own in catalog.roles.items():
        if own and own not in names.roles:
            yield ("catalog", "roles", role), unknown("role", own, names.roles)
    for what, own in catalog.tables.items():
        if own:
            yield from _table(("catalog", "tables", what), own, target, names)
    if target.ledger is not None:
        yield from _table(("ledger", "table"), target.ledger.table, target, names)
        if (table := names.table(target.ledger.table)) is not None:
            yield from _ledger_columns(target, table)


def _table(path: KeyPath, name: str, target: Target, names: DatabaseNames) -> Iterator[Problem]:
    table = names.table(name)
    ignored = target.catalog.ignore_schemas
    if table is None:
        known = [each.shown for each in names.tables if each.schema not in ignored]
        yield path, unknown("table", name, known)
    elif table.schema in ignored:
        what = f"{name} is in the schema {table.schema}, which holds tenants' data"
        yield ("catalog", "ignore_schemas", ignored.index(table.schema)), f"{what}; remove it"


def _ledger_columns(target: Target, table: KnownTable) -> Iterator[Problem]:
    ledger = target.ledger
    if ledger is None:
        return
    for name in LedgerColumns.model_fields:
        own = ledger.own_column(name)
        if own and unquoted(own) not in table.columns:
            yield ("ledger", "columns", name), unknown("column", own, table.columns)
    for place, own in enumerate(ledger.order_by or ()):
        if unquoted(own) not in table.columns:
            yield ("ledger", "order_by", place), unknown("column", own, table.columns)


def _folded(name: str) -> str:
    """A name as PostgreSQL reads it in SQL."""
    return unquoted(name) if name.startswith('"') else name.lower()


def unquoted(name: str) -> str:
    """A name without the quotes that SQL needs around it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
