"""Run SQL as the API does for a request: in its role, with its claims, and rolled back."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from harness.client import Organization, Organizations
from harness.client.tokens.tokens import filled
from harness.database import Parameters, Row
from harness.errors import Inconclusive

Connection = AsyncConnection[Any]
"""Of a user that may become any role: a superuser, or a member of them all."""

Claims = Mapping[str, Any] | str | None
"""An object, any text, or None to leave the setting as it is."""

CLAIMS = "request.jwt.claims"
"""The setting that holds the token's claims."""

INTEGRITY = "23"
"""The class of SQLSTATEs for violated constraints."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one statement."""

    rows: tuple[Row, ...] = ()
    affected: int = 0
    """How many rows it returned or changed."""
    error: psycopg.Error | None = None

    @property
    def denied(self) -> bool:
        """Whether a missing privilege or a policy refused it."""
        return isinstance(self.error, psycopg.errors.InsufficientPrivilege)

    @property
    def met_a_constraint(self) -> bool:
        """Whether a constraint refused it, which means that every policy accepted it.

        PostgreSQL checks policies first. An error without a constraint or column was raised by
        the backend's own code.
        """
        return (
            self.error is not None
            and (self.error.sqlstate or "").startswith(INTEGRITY)
            and bool(self.error.diag.constraint_name or self.error.diag.column_name)
        )

    def describe(self) -> str:
        """The result in one line."""
        if self.error is None:
            return f"{self.affected} rows"
        return f"SQLSTATE {self.error.sqlstate}: {str(self.error).partition(chr(10))[0]}"


def claims_of(
    organizations: Organizations, organization: Organization, role: str = "member"
) -> dict[str, Any]:
    """The claims with which the API asks for the organization's user with this role."""
    values = {"user": organization.users[role], "organization": organization.id, "role": role}
    return dict(filled(organizations.recipe.sql_claims, values))


async def claim(connection: Connection, claims: Claims) -> None:
    """Set these claims until the transaction or savepoint is rolled back."""
    if claims is not None:
        text = claims if isinstance(claims, str) else json.dumps(claims)
        await connection.execute("SELECT set_config(%s, %s, true)", [CLAIMS, text])


@dataclass(frozen=True)
class Actor:
    """A role of requests with some claims, on a connection that may become any role."""

    connection: Connection
    role: str
    claims: Claims
    claims_name: str
    """What messages call the claims."""
    own_role: str = ""
    """What the database calls the role, where that is not the contract's name."""

    def __str__(self) -> str:
        return f"{self.role} with {self.claims_name}"

    async def become(self) -> None:
        """Take the role and the claims until the transaction or savepoint is rolled back."""
        await claim(self.connection, self.claims)
        own = self.own_role or self.role
        try:
            role = sql.Identifier(own)
            await self.connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
        except psycopg.errors.InvalidParameterValue as error:
            raise Inconclusive(
                f"the database has no role {own}; if it has another name, write that "
                "into [catalog.roles] of the target file"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise Inconclusive(f"the harness may not act as {own}: {error}") from error

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Have the role and the claims inside the block; everything in it is undone."""
        async with self.connection.transaction(force_rollback=True):
            await self.become()
            yield


async def attempt(connection: Connection, statement: str, parameters: Parameters = None) -> Outcome:
    """Run one statement, undo it, and return its result."""
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
