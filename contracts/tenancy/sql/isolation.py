"""Two tenants' rows in one database, told apart by nothing but the claims of who asks.

Everything is tried in transactions that are rolled back, in the roles of the API's requests.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.tenancy.catalog import REQUEST_ROLES, Catalog, Column, Relation
from contracts.tenancy.catalog.tenants import TenantTable, organization_column, views_over
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.foreign_calls import Caller, callable_by
from contracts.tenancy.sql.foreign_reads import Reader, readable, stored_rows
from contracts.tenancy.sql.foreign_writes import Writer
from contracts.tenancy.sql.request_sql import Connection, acting
from contracts.tenancy.sql.sql_tenant import SqlTenant
from contracts.tenancy.sql.tenant_claims import claims_without_access, spoofed_claims
from harness.database import Database
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

ANON, AUTHENTICATED = REQUEST_ROLES

OWN = "its own claims"
SOMEBODYS = "an organization's claims"
AFTER_SET_LOCAL = "claims that are ''"
NEVER_SET = "claims that were never set"

OTHER_STATES = ("queued", "failed")
"""What a foreign export is made to be besides ready, because functions ask for its state."""


@dataclass(frozen=True, kw_only=True)
class SqlIsolation:
    """What is tried on."""

    catalog: Catalog
    tables: list[TenantTable]
    exports: str
    """The table of exports."""
    claims: Mapping[str, dict[str, Any]]
    """The claims of each organization's member, by its id."""
    others: Mapping[str, Mapping[str, dict[str, Any]]]
    """The claims of its other users, by its id and their role."""
    standard: bool
    """Whether they have the organization where the contract has it."""
    observe: Observations
    cover: Coverage


async def expect_isolated(
    context: SqlIsolation, database: Database, mine: SqlTenant, theirs: SqlTenant
) -> None:
    """Fail unless each sees its own rows and neither gets at the other's, in any way there is.

    `database` is opened by somebody who may become any role.
    """
    async with database.connect() as fresh:
        for role in REQUEST_ROLES:
            await expect_no_tenant_rows(context, fresh, role, None, NEVER_SET, mine, theirs)
    async with database.connect() as connection, connection.transaction(force_rollback=True):
        await connection.execute("SET LOCAL lock_timeout = '3s'")
        await connection.execute("SET LOCAL statement_timeout = '10s'")
        await expect_own_rows(context, connection, mine, theirs)
        await expect_own_rows(context, connection, theirs, mine)
        own = json.dumps(context.claims[mine.id])
        for role in REQUEST_ROLES:
            await expect_no_tenant_rows(
                context, connection, role, "", AFTER_SET_LOCAL, mine, theirs
            )
        await expect_no_tenant_rows(context, connection, ANON, own, SOMEBODYS, mine, theirs)
        if context.standard:
            for asked, claims in claims_without_access(context.claims[mine.id]).items():
                await expect_no_tenant_rows(
                    context, connection, AUTHENTICATED, claims, asked, mine, theirs
                )
        await expect_no_foreign_writes(context, connection, mine, theirs)
        await expect_no_foreign_calls(context, connection, mine, theirs)


async def expect_own_rows(
    context: SqlIsolation, connection: Connection, mine: SqlTenant, theirs: SqlTenant
) -> None:
    """Fail unless an organization's claims show all its rows and none of another."""
    stored = await stored_rows(connection, context.tables, mine.id)
    named = {table.relation.oid for table in context.tables if table.named}
    own = context.claims[mine.id]
    sets = {OWN: json.dumps(own)}
    for role, claims in context.others[mine.id].items():
        sets[f"the claims of its {role}"] = json.dumps(claims)
    if context.standard:
        sets |= spoofed_claims(own, theirs.id)
    for asked, text in sets.items():
        async with acting(connection, AUTHENTICATED, text):
            reader = Reader(connection=connection, role=AUTHENTICATED, asked=asked)
            for relation in readable(context.catalog, AUTHENTICATED):
                all_of = stored.get(relation.oid) if relation.oid in named else None
                seen = await reader.expect_own(relation, mine, theirs, all_of=all_of)
                context.cover(
                    "sql", table=relation.name, role=AUTHENTICATED, tried=f"SELECT {asked}"
                )
                if seen and relation.oid in named:
                    context.observe(what="contract's tables read with an organization's claims")


async def expect_no_tenant_rows(
    context: SqlIsolation,
    connection: Connection,
    role: str,
    claims: str | None,
    asked: str,
    *of: SqlTenant,
) -> None:
    """Fail if a role sees any tenant's rows with claims that give no right to them."""
    guarded = {table.relation.oid for table in context.tables}
    guarded |= {view.oid for view in views_over(context.catalog, context.tables)}
    async with acting(connection, role, claims):
        reader = Reader(connection=connection, role=role, asked=asked)
        for relation in readable(context.catalog, role):
            quiet = relation.oid in guarded and asked in {NEVER_SET, AFTER_SET_LOCAL}
            await reader.expect_no_tenant(relation, of, errors=not quiet)
            context.cover("sql", table=relation.name, role=role, tried=f"SELECT {asked}")


async def expect_no_foreign_writes(
    context: SqlIsolation, connection: Connection, mine: SqlTenant, theirs: SqlTenant
) -> None:
    """Fail if a request's role can write what belongs to another organization."""
    own = json.dumps(context.claims[mine.id])
    tries = [
        (AUTHENTICATED, own, OWN),
        (AUTHENTICATED, "", AFTER_SET_LOCAL),
        (ANON, own, SOMEBODYS),
    ]
    for relation, organization, rows in await writable(context, connection, mine):
        for role, claims, asked in tries:
            writer = Writer(
                connection=connection,
                role=role,
                claims=claims,
                asked=asked,
                mine=mine.id,
                theirs=theirs.id,
            )
            stored = len(rows) if claims == own else 0
            for command in await writer.expect_kept_out(relation, organization, rows[0], stored):
                context.cover("sql", table=relation.name, role=role, tried=f"{command} {asked}")


async def writable(
    context: SqlIsolation, connection: Connection, mine: SqlTenant
) -> list[tuple[Relation, Column, list[dict[str, Any]]]]:
    """Give what has a column for the organization, that column, and the organization's rows."""
    relations = [table.relation for table in context.tables]
    relations += [view for view in views_over(context.catalog, context.tables) if view.kind == "v"]
    found = []
    for relation in relations:
        organization = organization_column(relation)
        if organization is None:
            continue
        cursor = await connection.execute(
            f"SELECT to_jsonb(r) AS row FROM {relation.name} AS r "  # noqa: S608 - from the catalog
            f"WHERE r.{quoted_column(organization.name)}::text = %s",
            [mine.id],
        )
        if rows := [row["row"] for row in await cursor.fetchall()]:
            found.append((relation, organization, rows))
    return found


async def expect_no_foreign_calls(
    context: SqlIsolation, connection: Connection, mine: SqlTenant, theirs: SqlTenant
) -> None:
    """Fail if a function lets a request through to what belongs to another organization."""
    for role, claims, asked, states in (
        (AUTHENTICATED, json.dumps(context.claims[mine.id]), OWN, (None, *OTHER_STATES)),
        (AUTHENTICATED, "", AFTER_SET_LOCAL, (None,)),
        (ANON, "", AFTER_SET_LOCAL, (None,)),
    ):
        caller = Caller(
            connection=connection, role=role, claims=claims, asked=asked, tables=context.tables
        )
        functions = callable_by(context.catalog, role)
        for state in states if functions else ():
            async with connection.transaction(force_rollback=True):
                if not await set_export_state(connection, context.exports, theirs.id, state):
                    continue
                for function in functions:
                    await caller.expect_no_way_through(function, theirs)
                    context.cover("functions", function=function.signature, rule=f"{role}: {asked}")


async def set_export_state(
    connection: Connection, exports: str, organization: str, state: str | None
) -> bool:
    """Put an organization's exports into a state, if the table lets us; None changes nothing."""
    if state is None:
        return True
    try:
        async with connection.transaction():
            await connection.execute(
                f"UPDATE {exports} SET state = %s WHERE organization_id::text = %s",  # noqa: S608
                [state, organization],
            )
    except psycopg.Error:
        return False
    return True
