"""Find the tables with tenant data: those of the contract, and all that look like one."""

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
"""Names of columns that hold the organization, in lower case and without underscores."""

ORGANIZATION_TYPES = frozenset({"uuid", "text", "character varying", "character", "citext"})


@dataclass(frozen=True, kw_only=True)
class TenantTable:
    """A table with rows that belong to tenants."""

    relation: Relation
    named: bool
    """Whether the contract names it; others were found by their columns and keys."""
    organization: Column | None
    """The column with the organization; None where only a foreign key leads there."""


def contract_tables(target: Target) -> dict[str, str]:
    """The names of the contract's tenant tables in this target, by contract name."""
    return {
        "jobs": "jobs",
        "evidence": "evidence",
        "exports": target.claim.table if target.claim else "exports",
        "audit_logs": target.ledger.table if target.ledger else "audit_logs",
    }


def organization_column(relation: Relation) -> Column | None:
    """The column with the organization, None where there is none."""
    for column in relation.columns:
        plain = column.name.replace("_", "").replace("-", "").lower()
        if plain in ORGANIZATION_COLUMNS and column.type in ORGANIZATION_TYPES:
            return column
    return None


def is_called(relation: Relation, wanted: str) -> bool:
    """Whether a name of the target file, such as `exports` or `app.exports`, is this relation."""
    schema, _, bare = wanted.rpartition(".")
    return relation.table_name == bare.strip('"') and schema.strip('"') in {"", relation.schema}


def tenant_tables(catalog: Catalog, target: Target) -> list[TenantTable]:
    """Every table, partition and foreign table that holds rows of tenants.

    These are: the contract's tables; those with an organization column; their partitions; and those
    with foreign keys to one of them, because a row about an export belongs to its tenant.
    `Inconclusive` if a table of the contract is missing (`jobs` is optional).
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
            f"the database has no table {', '.join(missing)}, which this check reads; if exports "
            "or the ledger have other names, set [claim] table or [ledger] table in the target file"
        )


def views_over(catalog: Catalog, tables: list[TenantTable]) -> list[Relation]:
    """Every view and materialized view that reads tenant tables, also through others."""
    tenants = {table.relation.oid for table in tables}
    views = [relation for relation in catalog.relations if relation.kind in {"v", "m"}]
    found: set[int] = set()
    while more := {view.oid for view in views if view.reads & (tenants | found)} - found:
        found |= more
    return [view for view in views if view.oid in found]
