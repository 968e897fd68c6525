"""Speaking SQL as the API does for a request: in its role, with its claims, and leaving nothing."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection

from harness.client import Organization, Organizations
from harness.client.tokens import filled
from harness.database import Parameters, Row
from harness.errors import Inconclusive

Connection = AsyncConnection[Any]
"""Of a user that may become any role: a superuser, or who was granted them all."""

Claims = Mapping[str, Any] | str | None
"""An object, any text at all, or None: whatever the setting is on the connection."""

CLAIMS = "request.jwt.claims"
"""The setting that the API puts the token's claims in."""

INTEGRITY = "23"
"""The class of SQLSTATEs of a row that violates a constraint."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one statement came to."""

    rows: tuple[Row, ...] = ()
    affected: int = 0
    """How many rows it returned or changed."""
    error: psycopg.Error | None = None

    @property
    def denied(self) -> bool:
        """Whether it was refused for want of a privilege, or by a policy."""
        return isinstance(self.error, psycopg.errors.InsufficientPrivilege)

    @property
    def met_a_constraint(self) -> bool:
        """Whether it got as far as a constraint, which is past every policy.

        PostgreSQL checks new rows against policies first. What names no constraint and no column
        was raised by somebody's own code.
        """
        return (
            self.error is not None
            and (self.error.sqlstate or "").startswith(INTEGRITY)
            and bool(self.error.diag.constraint_name or self.error.diag.column_name)
        )

    def describe(self) -> str:
        """Say in one line what came."""
        if self.error is None:
            return f"{self.affected} rows"
        return f"SQLSTATE {self.error.sqlstate}: {str(self.error).partition(chr(10))[0]}"


def claims_of(
    organizations: Organizations, organization: Organization, role: str = "member"
) -> dict[str, Any]:
    """Give the claims in the token of the organization's user in a role."""
    values = {"user": organization.users[role], "organization": organization.id, "role": role}
    return dict(filled(organizations.recipe.claims, values))


async def claim(connection: Connection, claims: Claims) -> None:
    """Have these claims until the transaction or savepoint is rolled back."""
    if claims is not None:
        text = claims if isinstance(claims, str) else json.dumps(claims)
        await connection.execute("SELECT set_config(%s, %s, true)", [CLAIMS, text])


async def become(connection: Connection, role: str, claims: Claims) -> None:
    """Be this role, with these claims, until the transaction or savepoint is rolled back."""
    await claim(connection, claims)
    try:
        await connection.execute(f"SET LOCAL ROLE {role}")
    except psycopg.errors.InvalidParameterValue as error:
        raise Inconclusive(f"the database has no role {role}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Inconclusive(f"the harness may not act as {role}: {error}") from error


@asynccontextmanager
async def acting(connection: Connection, role: str, claims: Claims) -> AsyncIterator[None]:
    """Be this role inside the block, with these claims; all that happens there is undone."""
    async with connection.transaction(force_rollback=True):
        await become(connection, role, claims)
        yield


async def attempt(connection: Connection, statement: str, parameters: Parameters = None) -> Outcome:
    """Run one statement, take note of what it came to, and undo it."""
    try:
        async with connection.transaction(force_rollback=True):
            cursor = await connection.execute(statement, parameters)
            rows = tuple(await cursor.fetchall()) if cursor.description else ()
            return Outcome(rows=rows, affected=cursor.rowcount)
    except psycopg.OperationalError as error:
        if connection.closed:
            raise Inconclusive(f"the connection was lost: {error}") from error
        return Outcome(error=error)
    except psycopg.Error as error:
        return Outcome(error=error)
