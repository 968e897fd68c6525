"""Calling every function that a request's role may call, about another organization's things."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from contracts.tenancy.catalog import Argument, Catalog, Function
from contracts.tenancy.catalog.tenants import TenantTable
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.request_sql import Claims, Connection, become, claim
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
"""What an argument's name says that it is the id of."""

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
"""Something of each type that a function may be content with; of other types it gets NULL."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Calls functions in a role of requests, with claims of an organization or without."""

    connection: Connection
    role: str
    claims: Claims
    asked: str
    """How a message speaks of the claims."""
    tables: list[TenantTable]

    async def expect_no_way_through(self, function: Function, theirs: SqlTenant) -> int:
        """Fail if calls about another organization's things change or tell anything of them.

        All of it is undone. Gives how often the function was called.
        """
        calls = 0
        async with self.connection.transaction(force_rollback=True):
            before = await self._state_of(theirs)
            await become(self.connection, self.role, self.claims)
            for arguments in assignments(function, theirs.ids):
                told = await self._call(function, arguments)
                calls += 1
                given = " ".join(filter(None, arguments))
                leaked = [mark for mark in theirs.marks if mark in told and mark not in given]
                expect(
                    not leaked,
                    expected=f"{self.role} with {self.asked} to be told nothing of another "
                    f"organization, and no secret, by {function.signature} called with {arguments}",
                    got=f"{len(leaked)} such texts in {told[:300]!r}",
                )
            await self.connection.execute("RESET ROLE")
            after = await self._state_of(theirs)
            changed = sorted(table for table in after if after[table] != before[table])
            expect(
                not changed,
                expected=f"{self.role} with {self.asked} to change nothing of another "
                f"organization by calling {function.signature}",
                got=f"its rows in {', '.join(changed)} are others than before",
            )
        return calls

    async def _call(self, function: Function, arguments: Arguments) -> str:
        """Call it, leave what it did, and give what it said: its rows or its error."""
        places = ", ".join(f"%s::{argument.type}" for argument in function.arguments)
        call = f"{function.name}({places})"
        statement = f"SELECT r::text AS told FROM {call} AS r"  # noqa: S608 - from the catalog
        if function.kind == "p":
            statement = f"CALL {call}"
        try:
            async with self.connection.transaction():
                # Anew for every call: the one before may have changed them.
                await claim(self.connection, self.claims)
                cursor = await self.connection.execute(statement, arguments)
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
        cursor = await self.connection.execute(digests, {"theirs": theirs.id})
        return {str(row["name"]): str(row["digest"]) for row in await cursor.fetchall()}


def callable_by(catalog: Catalog, role: str) -> list[Function]:
    """Give the functions that a role of requests may call, and that can be called at all."""
    return [
        function
        for function in catalog.functions
        if role in function.callers
        and function.kind in {"f", "p"}
        and not function.is_trigger
        and not function.variadic
    ]


def assignments(function: Function, ids: Mapping[str, str]) -> Iterator[Arguments]:
    """Give arguments to call a function with, about the things that have these ids.

    Where an argument's name does not say what it is the id of, it gets every kind of id in turn.
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
        return ids[wanted] if wanted else _unheard_of(ids)
    if argument.type in {"text", "character varying"}:
        if named and name.endswith(("id", named)):
            return ids[named]
        return "proof-pack" if "type" in name else "shakedown"
    return PLAIN.get(argument.type)


def _unheard_of(ids: Mapping[str, str]) -> str:
    """An id that nothing has, the same in every call of a check."""
    return str(uuid.uuid5(uuid.UUID(ids["organization"]), "nothing"))
