"""Which tables hold what belongs to tenants: those of the contract, and all that look like it."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.tenancy.catalog.model import Catalog, Column, Relation
from harness.errors import Inconclusive
from harness.target import Target

ORGANIZATION_COLUMNS = frozenset(
    f"{word}{suffix}"
    for word in ("organization", "organisation", "org", "tenant")
    for suffix in ("", "id", "uuid")
)
"""Names of a column that says whose a row is, in lower case and without underscores."""

ORGANIZATION_TYPES = frozenset({"uuid", "text", "character varying", "character", "citext"})


@dataclass(frozen=True, kw_only=True)
class TenantTable:
    """A table with rows that belong to tenants."""

    relation: Relation
    named: bool
    """Whether the contract names it; the others were found by what they look like."""
    organization: Column | None
    """The column that says whose a row is; None where only a foreign key leads there."""


def contract_tables(target: Target) -> dict[str, str]:
    """Give the contract's tables of tenant data as this target calls them, by contract name."""
    return {
        "jobs": "jobs",
        "evidence": "evidence",
        "exports": target.claim.table if target.claim else "exports",
        "audit_logs": target.ledger.table if target.ledger else "audit_logs",
    }


def organization_column(relation: Relation) -> Column | None:
    """Give the column that says whose a row is, None where there is none."""
    for column in relation.columns:
        plain = column.name.replace("_", "").replace("-", "").lower()
        if plain in ORGANIZATION_COLUMNS and column.type in ORGANIZATION_TYPES:
            return column
    return None


def is_called(relation: Relation, wanted: str) -> bool:
    """Say whether a target file that says `exports` or `app.exports` means this relation."""
    schema, _, bare = wanted.rpartition(".")
    return relation.table_name == bare.strip('"') and schema.strip('"') in {"", relation.schema}


def tenant_tables(catalog: Catalog, target: Target) -> list[TenantTable]:
    """Give every table, partition and foreign table that holds rows of tenants.

    Those are the contract's; those with a column for the organization; the partitions of either;
    and those whose foreign keys lead to one, because a row about an export is its tenant's, too.
    `Inconclusive` when one that the contract names is not there (`jobs` it leaves open).
    """
    names = contract_tables(target)
    tables = [relation for relation in catalog.relations if relation.kind in {"r", "p", "f"}]
    named = {
        table.oid
        for table in tables
        if table.is_table and any(is_called(table, name) for name in names.values())
    }
    _refuse_missing(names, [table for table in tables if table.oid in named])
    found = named | {table.oid for table in tables if organization_column(table)}
    while (
        more := {table.oid for table in tables if (table.parents | table.referenced) & found}
        - found
    ):
        found |= more
    return [
        TenantTable(
            relation=table, named=table.oid in named, organization=organization_column(table)
        )
        for table in tables
        if table.oid in found
    ]


def _refuse_missing(names: Mapping[str, str], found: list[Relation]) -> None:
    missing = [
        name
        for contract_name, name in names.items()
        if contract_name != "jobs" and not any(is_called(table, name) for table in found)
    ]
    if missing:
        raise Inconclusive(
            f"the database has no table {', '.join(missing)} for this check to look at; "
            "only exports and the ledger may have other names ([claim] table, [ledger] table)"
        )


def views_over(catalog: Catalog, tables: list[TenantTable]) -> list[Relation]:
    """Give every view and materialized view that reads tenant tables, through others as well."""
    tenants = {table.relation.oid for table in tables}
    views = [relation for relation in catalog.relations if relation.kind in {"v", "m"}]
    found: set[int] = set()
    while more := {view.oid for view in views if view.reads & (tenants | found)} - found:
        found |= more
    return [view for view in views if view.oid in found]
