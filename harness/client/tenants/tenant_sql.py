"""Tenants that are entered by SQL, where the backend looks them up: `[tokens.tenants.sql]`."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import dict_row

from harness.errors import Inconclusive, Misconfigured
from harness.target.sql.bound_sql import bound_statements
from harness.target.tokens.token_tenants import TenantSql

_DEADLINE_S = 10.0
_STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = '10s'"

Connection = psycopg.AsyncConnection[dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class TenantDatabase:
    """Enters tenants as a superuser: triggers work, row security does not stand in the way."""

    sql: TenantSql
    role_names: Mapping[str, str]
    url: str = field(repr=False)

    async def enter(
        self, name: str, organization: str, users: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Enter an organization and its users by role, all or nothing; give their ids.

        Raises `Misconfigured`, naming the statement, where the database refuses one, and
        `Inconclusive` where it does not answer.
        """
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await self._entered(name, organization, users)
        except (psycopg.OperationalError, TimeoutError) as error:
            raise Inconclusive(f"no tenant could be entered by SQL: {error!r:.300}") from error

    async def _entered(
        self, name: str, organization: str, users: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        opened = await psycopg.AsyncConnection.connect(self.url, row_factory=dict_row)
        async with opened as connection:
            await connection.execute(_STATEMENT_TIMEOUT)
            values = {"name": name, "organization": organization}
            values |= await _run(connection, "organization", self.sql.organization, values)
            entered = {}
            for role, user in users.items():
                of_user = values | {"user": user, "role": self.role_names.get(role, role)}
                of_user |= await _run(connection, "user", self.sql.user, of_user)
                entered[role] = of_user["user"]
        return values["organization"], entered


async def _run(
    connection: Connection, key: str, texts: Iterable[str], values: Mapping[str, str]
) -> dict[str, str]:
    """Run statements, and give what of the ids their last row names."""
    given: dict[str, str] = {}
    statements = [each for text in texts for each in bound_statements(text)]
    for number, statement in enumerate(statements, start=1):
        try:
            cursor = await connection.execute(
                statement.sql.encode(), statement.parameters({**values, **given})
            )
            row = await cursor.fetchone() if cursor.description else None
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            first = str(error).partition("\n")[0]
            raise Misconfigured(
                f"[tokens.tenants.sql] {key}, statement {number} of {len(statements)}: "
                f"SQLSTATE {error.sqlstate}: {first}"
            ) from error
        for name in ("organization", "user"):
            if row and row.get(name) is not None:
                given[name] = str(row[name])
    return given
