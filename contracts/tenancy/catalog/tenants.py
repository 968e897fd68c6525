"""Find the tables with tenant data: those of the contract, and all that look like one."""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.tenancy.catalog.model import (
    ORGANIZATION_COLUMNS,
    Catalog,
    Column,
    Relation,
)
from harness.errors import Inconclusive
from harness.target import Target

ORGANIZATION_TYPES = frozenset({"uuid", "text", "character varying", "character", "citext"})

ROW_KINDS = frozenset({"r", "p", "f"})
"""`pg_class.relkind` of what holds rows: tables, partitioned and foreign ones."""

SHOWN_TABLES = 12
"""Tables that a message names."""


@dataclass(frozen=True, kw_only=True)
class TenantTable:
    """A table with rows that belong to tenants."""

    relation: Relation
    named: bool
    """Whether the contract names it; others were found by their columns and keys."""
    organization: Column | None
    """The column with the organization; None where only a foreign key leads there."""


def organization_column(relation: Relation) -> Column | None:
    """The column with the organization, None where there is none."""
    for column in relation.columns:
        is_named = plain_name(column.name) in relation.organization_columns
        if is_named and column.type in ORGANIZATION_TYPES:
            return column
    return None


def plain_name(column: str) -> str:
    """A column's name in lower case, without what only separates words."""
    return column.replace("_", "").replace("-", "").strip('"').lower()


def organization_columns(target: Target) -> frozenset[str]:
    """Which names of columns mean the organization in a target's database."""
    own = [*target.catalog.organization_columns]
    own += [target.ledger.columns.organization_id] if target.ledger else []
    own += [target.claim.columns.get("organization_id", "")] if target.claim else []
    return ORGANIZATION_COLUMNS | {plain_name(name) for name in own if name}


def is_called(relation: Relation, wanted: str) -> bool:
    """Whether a name of the target file, such as `exports` or `app.exports`, is this relation."""
    return is_named(wanted, relation.schema, relation.table_name)


def is_named(wanted: str, schema: str, table: str) -> bool:
    """Whether a name, with or without a schema, is that of this table."""
    before, _, bare = wanted.rpartition(".")
    return table == bare.strip('"') and before.strip('"') in {"", schema}


def tenant_tables(catalog: Catalog, target: Target) -> list[TenantTable]:
    """Every table, partition and foreign table that holds rows of tenants.

    These are: the contract's tables; those with an organization column; their partitions; and those
    with foreign keys to one of them, because a row about an export belongs to its tenant.
    `Inconclusive` if a table of the contract is missing (`jobs` is optional).
    """
    tables = [relation for relation in catalog.relations if relation.kind in ROW_KINDS]
    named = named_among(tables, target)
    _refuse_missing(target, [table for table in tables if table.oid in named], tables)
    found = tenants_among(tables, named)
    return [
        TenantTable(
            relation=table, named=table.oid in named, organization=organization_column(table)
        )
        for table in tables
        if table.oid in found
    ]


def named_among(tables: Iterable[Relation], target: Target) -> set[int]:
    """The oids of those among these tables that the target file, or the contract, names."""
    names = target.tenant_tables.values()
    return {
        table.oid
        for table in tables
        if table.is_table and any(is_called(table, name) for name in names)
    }


def tenants_among(tables: Iterable[Relation], named: set[int]) -> set[int]:
    """The oids of the tables with rows of tenants: those that are named, and all that lead there.

    Those with an organization column, partitions, and those with foreign keys to one of them.
    """
    rows = [table for table in tables if table.kind in ROW_KINDS]
    found = named | {table.oid for table in rows if organization_column(table)}
    return following(rows, found)


def following(tables: Iterable[Relation], found: set[int]) -> set[int]:
    """These tables, and all that are partitions of them or have foreign keys to them."""
    rows, found = list(tables), set(found)
    while (
        more := {table.oid for table in rows if (table.parents | table.referenced) & found} - found
    ):
        found |= more
    return found


def _refuse_missing(target: Target, named: list[Relation], tables: list[Relation]) -> None:
    missing = {
        what: name
        for what, name in target.tenant_tables.items()
        if what != "jobs" and not any(is_called(table, name) for table in named)
    }
    if not missing:
        return
    lines = " and ".join(_line_for(what, target) for what in missing)
    others = [table.name for table in tables if organization_column(table)]
    raise Inconclusive(
        f"the database has no table {', '.join(missing.values())}, which this check reads; "
        f"write its name into the target file: {lines}. Tables with a column of the "
        f"organization: {', '.join(others[:SHOWN_TABLES]) or 'none'}"
    )


def _line_for(what: str, target: Target) -> str:
    if what == "exports" and target.claim:
        return '[claim] table = "…"'
    if what == "ledger" and target.ledger:
        return '[ledger] table = "…"'
    return f'[catalog.tables] {what} = "…"'


def views_over(catalog: Catalog, tables: list[TenantTable]) -> list[Relation]:
    """Every view and materialized view that reads tenant tables, also through others."""
    oids = views_among(catalog.relations, {table.relation.oid for table in tables})
    return [view for view in catalog.relations if view.oid in oids]


def views_among(relations: Iterable[Relation], tables: set[int]) -> set[int]:
    """The oids of the views among these relations that read one of these tables."""
    views = [relation for relation in relations if relation.kind in {"v", "m"}]
    found: set[int] = set()
    while more := {view.oid for view in views if view.reads & (tables | found)} - found:
        found |= more
    return found
