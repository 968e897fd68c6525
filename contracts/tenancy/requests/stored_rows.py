"""The rows of organizations in the database, where a target gives access to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from harness.database import Database

TENANT_TABLES = ("jobs", "evidence", "exports", "audit_logs")
"""The tables that the contract names."""

_COLUMN = "organization_id"


async def everything_of(tenant: PopulatedTenant, stored_rows: "StoredRows") -> dict[str, object]:
    """All data of an organization, over HTTP and, if only this run uses it, in the database."""
    stored = await stored_rows.of([tenant.org.id] if tenant.org.is_fresh else [])
    return await tenant.state() | {f"rows of {table}": rows for table, rows in stored.items()}


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """The rows of the contract's tables."""

    database: Database | None

    async def of(self, organization_ids: Sequence[str]) -> dict[str, list[Any]]:
        """All rows of these organizations by table, as text; empty where they cannot be read."""
        if self.database is None:
            return {}
        found = await self.database.fetch(
            # Views show the same rows again, and may call what only a request may call.
            "SELECT table_schema AS schema, table_name AS name FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_catalog, table_schema, table_name) "
            "WHERE column_name = %s AND table_name = ANY(%s) AND table_type <> 'VIEW' "
            "ORDER BY 1, 2",
            [_COLUMN, list(TENANT_TABLES)],
        )
        rows = {}
        for table in found:
            name = f'"{table["schema"]}"."{table["name"]}"'
            rows[name] = await self.database.fetch(
                f"SELECT to_jsonb(stored)::text AS stored FROM {name} AS stored "  # noqa: S608
                f"WHERE {_COLUMN}::text = ANY(%s) ORDER BY 1",
                [list(organization_ids)],
            )
        return rows
