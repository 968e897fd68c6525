"""Call every function that a request's role may call, with ids of another organization."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from contracts.tenancy.catalog.model import Argument, Catalog, Function
from contracts.tenancy.catalog.tenants import TenantTable
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.request_sql import Actor, claim
from contracts.tenancy.sql.sql_tenant import SqlTenant
from harness.expect import expect

Arguments = tuple[str | None, ...]

KINDS = {
    "organi": "organization",
    "tenant": "organization",
    "org_": "organization",
    "job": "job",
    "evidence": "evidence",
    "event": "event",
    "export": "export",
}
"""The kind of id by a part of an argument's name."""

PLAIN = {
    "boolean": "true",
    "smallint": "1",
    "integer": "1",
    "bigint": "1",
    "numeric": "1",
    "json": "{}",
    "jsonb": "{}",
    "interval": "0",
    "timestamp with time zone": "now",
    "text[]": "{shakedown}",
    "integer[]": "{1}",
    "bigint[]": "{1}",
}
"""A plausible value by type; arguments of other types get NULL."""


@dataclass(frozen=True)
class Caller:
    """Calls functions as an actor."""

    actor: Actor
    tables: list[TenantTable]

    async def expect_isolated(self, function: Function, theirs: SqlTenant) -> None:
        """Fail if calls with ids of another organization change or return anything of it.

        All of it is rolled back.
        """
        connection = self.actor.connection
        async with connection.transaction(force_rollback=True):
            before = await self._state_of(theirs)
            await self.actor.become()
            for arguments in assignments(function, theirs.ids):
                returned = await self._call(function, arguments)
                given = " ".join(filter(None, arguments))
                leaked = [text for text in theirs.markers if text in returned and text not in given]
                expect(
                    not leaked,
                    expected=f"{function.signature}, called by {self.actor} with {arguments}, to "
                    "return nothing of another organization and no secret",
                    got=f"{len(leaked)} such texts in {returned[:300]!r}",
                )
            await connection.execute("RESET ROLE")
            after = await self._state_of(theirs)
            changed = sorted(table for table in after if after[table] != before[table])
            expect(
                not changed,
                expected=f"{function.signature}, called by {self.actor}, to change nothing of "
                "another organization",
                got=f"its rows in {', '.join(changed)} changed",
            )

    async def _call(self, function: Function, arguments: Arguments) -> str:
        """Call it, keep its changes, and return its rows or its error as text."""
        places = ", ".join(f"%s::{argument.type}" for argument in function.arguments)
        call = f"{function.name}({places})"
        statement = f"SELECT r::text AS returned FROM {call} AS r"  # noqa: S608 - from the catalog
        if function.kind == "p":
            statement = f"CALL {call}"
        try:
            async with self.actor.connection.transaction():
                # For every call: the one before may have changed the claims.
                await claim(self.actor.connection, self.actor.claims)
                cursor = await self.actor.connection.execute(statement, arguments)
                rows = await cursor.fetchall() if cursor.description else []
            return "\n".join(str(row) for row in rows)
        except psycopg.Error as error:
            return "\n".join(filter(None, [str(error), error.diag.message_detail]))

    async def _state_of(self, theirs: SqlTenant) -> dict[str, str]:
        """A digest of all rows of the other organization, by table."""
        digests = " UNION ALL ".join(
            f"SELECT '{table.relation.table_name}' AS name, "  # noqa: S608 - quoted by the server
            "md5(string_agg(r::text, '|' ORDER BY r::text)) AS digest "
            f"FROM {table.relation.name} AS r "
            f"WHERE r.{quoted_column(table.organization.name)}::text = %(theirs)s"
            for table in self.tables
            if table.organization is not None
        )
        cursor = await self.actor.connection.execute(digests, {"theirs": theirs.id})
        return {str(row["name"]): str(row["digest"]) for row in await cursor.fetchall()}


def callable_by(catalog: Catalog, role: str) -> list[Function]:
    """The functions that a role may call with plain arguments."""
    return [
        function
        for function in catalog.functions
        if role in function.callers
        and function.kind in {"f", "p"}
        and not function.is_trigger
        and not function.variadic
    ]


def assignments(function: Function, ids: Mapping[str, str]) -> Iterator[Arguments]:
    """Arguments to call a function with, made from these ids.

    An argument whose name does not show the kind of id gets every kind in turn.
    """
    given: set[Arguments] = set()
    for kind in (None, *ids):
        arguments = tuple(_value(argument, ids, kind) for argument in function.arguments)
        if arguments not in given:
            given.add(arguments)
            yield arguments


def _value(argument: Argument, ids: Mapping[str, str], kind: str | None) -> str | None:
    name = argument.name.lower()
    named = next((KINDS[part] for part in KINDS if part in name), None)
    wanted = named or kind
    if argument.type == "uuid[]":
        return "{" + (ids[wanted] if wanted else ",".join(ids.values())) + "}"
    if argument.type == "uuid":
        return ids[wanted] if wanted else _unknown_id(ids)
    if argument.type in {"text", "character varying"}:
        if named and name.endswith(("id", named)):
            return ids[named]
        return "proof-pack" if "type" in name else "shakedown"
    return PLAIN.get(argument.type)


def _unknown_id(ids: Mapping[str, str]) -> str:
    """An id of nothing, the same in every call."""
    return str(uuid.uuid5(uuid.UUID(ids["organization"]), "nothing"))
