"""The rows of organizations in the database, where a target gives access to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.catalog.tenants import is_named, organization_columns, plain_name
from contracts.tenancy.catalog.text_search import quoted_column
from harness.database import Database
from harness.target import Target

_COLUMNS = """
SELECT table_schema AS schema, table_name AS table, column_name AS name
FROM information_schema.columns
JOIN information_schema.tables USING (table_catalog, table_schema, table_name)
WHERE table_type <> 'VIEW' AND table_schema <> ALL (ARRAY['pg_catalog', 'information_schema'])
ORDER BY 1, 2, 3
"""


async def everything_of(tenant: PopulatedTenant, stored_rows: "StoredRows") -> dict[str, object]:
    """All data of an organization, over HTTP and, if only this run uses it, in the database."""
    stored = await stored_rows.of([tenant.org.id] if tenant.org.is_fresh else [])
    return await tenant.state() | {f"rows of {table}": rows for table, rows in stored.items()}


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """The rows of the tables of tenants' data."""

    database: Database | None
    target: Target

    async def of(self, organization_ids: Sequence[str]) -> dict[str, list[Any]]:
        """All rows of these organizations by table, as text; empty where they cannot be read."""
        if self.database is None:
            return {}
        names = self.target.tenant_tables.values()
        rows = {}
        # Views show the same rows again, and may call what only a request may call.
        for column in await self.database.fetch(_COLUMNS):
            table = f'"{column["schema"]}"."{column["table"]}"'
            if plain_name(column["name"]) not in organization_columns(self.target):
                continue
            if any(is_named(name, column["schema"], column["table"]) for name in names):
                rows[table] = await self.database.fetch(
                    f"SELECT to_jsonb(stored)::text AS stored FROM {table} AS stored "  # noqa: S608
                    f"WHERE {quoted_column(column['name'])}::text = ANY(%s) ORDER BY 1",
                    [list(organization_ids)],
                )
        return rows
