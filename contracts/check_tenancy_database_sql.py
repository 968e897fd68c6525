"""Tenants told apart by the database itself, asked in SQL as the API asks for a request."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.catalog import REQUEST_ROLES, Catalog, Column, Relation, read_catalog
from contracts.catalog.contents import quoted
from contracts.catalog.tenants import (
    TenantTable,
    contract_tables,
    organisation_column,
    tenant_tables,
    views_over,
)
from contracts.foreign_calls import Caller, callable_by
from contracts.foreign_reads import Reader, readable, stored_rows
from contracts.foreign_writes import Writer
from contracts.request_sql import Connection, acting, claims_of
from contracts.tenant_belongings import Belongings, furnish
from contracts.tenant_claims import misleading, trusted_place, without_right
from harness.check import check
from harness.client import Organisation, Organisations, Samples, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

ANON, AUTHENTICATED = REQUEST_ROLES

OWN = "its own claims"
AFTER_SET_LOCAL = "claims that are ''"
NEVER_SET = "claims that were never set"

OTHER_STATES = ("queued", "failed")
"""What a foreign export is made to be besides ready, because functions ask for its state."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the check stands on."""

    catalog: Catalog
    tables: list[TenantTable]
    claims: dict[str, dict[str, Any]]
    """Each organisation's own claims, by its id."""
    standard: bool
    """Whether they have the organisation where the contract has it."""
    observe: Observations
    cover: Coverage


@check(
    "tenancy.direct-sql",
    "In SQL, too, a request's role sees and changes its own organisation's rows and no others",
    checklist="Verify row-level security",
    observes=6,
    needs={Capability.TENANTS, Capability.DATABASE, Capability.DATABASE_CONTROL},
)
async def check_direct_sql(
    system: System,
    target: Target,
    organisations: Organisations,
    org: Organisation,
    other_org: Organisation,
    samples: Samples,
    observe: Observations,
    cover: Coverage,
) -> None:
    mine, theirs = await together([furnish(org, samples), furnish(other_org, samples)])
    async with opened(system) as database:
        catalog = await read_catalog(database)
        ground = Ground(
            catalog=catalog,
            tables=tenant_tables(catalog, target),
            claims={one.id: claims_of(organisations, one) for one in (org, other_org)},
            standard=trusted_place(organisations.recipe.claims),
            observe=observe,
            cover=cover,
        )
        async with database.connect() as fresh:
            for role in REQUEST_ROLES:
                await nobodys_rows(ground, fresh, role, None, NEVER_SET, mine, theirs)
        async with database.connect() as connection, connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '3s'")
            await own_rows(ground, connection, mine, theirs)
            await own_rows(ground, connection, theirs, mine)
            for role in REQUEST_ROLES:
                await nobodys_rows(ground, connection, role, "", AFTER_SET_LOCAL, mine, theirs)
            if ground.standard:
                for asked, claims in without_right(ground.claims[mine.id]).items():
                    await nobodys_rows(
                        ground, connection, AUTHENTICATED, claims, asked, mine, theirs
                    )
            own = json.dumps(ground.claims[mine.id])
            await nobodys_rows(
                ground, connection, ANON, own, "an organisation's claims", mine, theirs
            )
            await no_writes(ground, connection, mine, theirs)
            await no_calls(ground, connection, mine, theirs, contract_tables(target)["exports"])


@asynccontextmanager
async def opened(system: System) -> AsyncIterator[Database]:
    """The database, for one who may become any role. What is done there is rolled back."""
    if system.control_url is None:
        raise Inconclusive("this target gives no control of its database")
    database = Database(system.control_url, writable=True)
    try:
        yield database
    finally:
        await database.close()


async def own_rows(
    ground: Ground, connection: Connection, mine: Belongings, theirs: Belongings
) -> None:
    """Fail unless an organisation's claims show all its rows and none of another."""
    stored = await stored_rows(connection, ground.tables, mine.id)
    named = {table.relation.oid for table in ground.tables if table.named}
    own = ground.claims[mine.id]
    sets = {OWN: json.dumps(own)}
    if ground.standard:
        sets |= misleading(own, theirs.id)
    for asked, claims in sets.items():
        async with acting(connection, AUTHENTICATED, claims):
            reader = Reader(connection=connection, role=AUTHENTICATED, asked=asked)
            for relation in readable(ground.catalog, AUTHENTICATED):
                all_of = stored.get(relation.oid) if relation.oid in named else None
                seen = await reader.expect_own(relation, mine, theirs, all_of=all_of)
                ground.cover(
                    "sql", table=relation.name, role=AUTHENTICATED, tried=f"SELECT {asked}"
                )
                if seen and relation.oid in named:
                    ground.observe(what="contract's tables read with an organisation's claims")


async def nobodys_rows(
    ground: Ground,
    connection: Connection,
    role: str,
    claims: str | None,
    asked: str,
    *of: Belongings,
) -> None:
    """Fail if a role sees any tenant's rows with claims that give no right to them."""
    guarded = {table.relation.oid for table in ground.tables}
    guarded |= {view.oid for view in views_over(ground.catalog, ground.tables)}
    async with acting(connection, role, claims):
        reader = Reader(connection=connection, role=role, asked=asked)
        for relation in readable(ground.catalog, role):
            quiet = relation.oid in guarded and asked in {NEVER_SET, AFTER_SET_LOCAL}
            await reader.expect_nobodys(relation, of, errors=not quiet)
            ground.cover("sql", table=relation.name, role=role, tried=f"SELECT {asked}")


async def no_writes(
    ground: Ground, connection: Connection, mine: Belongings, theirs: Belongings
) -> None:
    """Fail if a request's role can write what belongs to another organisation."""
    own = json.dumps(ground.claims[mine.id])
    tries = [
        (AUTHENTICATED, own, OWN),
        (AUTHENTICATED, "", AFTER_SET_LOCAL),
        (ANON, own, "an organisation's claims"),
    ]
    for relation, organisation, rows in await writable(ground, connection, mine):
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
            for command in await writer.expect_kept_out(relation, organisation, rows[0], stored):
                ground.cover("sql", table=relation.name, role=role, tried=f"{command} {asked}")


async def writable(
    ground: Ground, connection: Connection, mine: Belongings
) -> list[tuple[Relation, Column, list[dict[str, Any]]]]:
    """Give what has a column for the organisation, that column, and the organisation's rows."""
    relations = [table.relation for table in ground.tables]
    relations += [view for view in views_over(ground.catalog, ground.tables) if view.kind == "v"]
    found = []
    for relation in relations:
        organisation = organisation_column(relation)
        if organisation is None:
            continue
        cursor = await connection.execute(
            f"SELECT to_jsonb(r) AS row FROM {relation.name} AS r "  # noqa: S608 - from the catalog
            f"WHERE r.{quoted(organisation.name)}::text = %s",
            [mine.id],
        )
        if rows := [row["row"] for row in await cursor.fetchall()]:
            found.append((relation, organisation, rows))
    return found


async def no_calls(
    ground: Ground, connection: Connection, mine: Belongings, theirs: Belongings, exports: str
) -> None:
    """Fail if a function lets a request through to what belongs to another organisation."""
    for role, claims, asked, states in (
        (AUTHENTICATED, json.dumps(ground.claims[mine.id]), OWN, (None, *OTHER_STATES)),
        (AUTHENTICATED, "", AFTER_SET_LOCAL, (None,)),
        (ANON, "", AFTER_SET_LOCAL, (None,)),
    ):
        caller = Caller(
            connection=connection, role=role, claims=claims, asked=asked, tables=ground.tables
        )
        functions = callable_by(ground.catalog, role)
        for state in states if functions else ():
            async with connection.transaction(force_rollback=True):
                if not await put_exports(connection, exports, theirs.id, state):
                    continue
                for function in functions:
                    await caller.expect_no_way_through(function, theirs)
                    ground.cover("functions", function=function.signature, rule=f"{role}: {asked}")


async def put_exports(
    connection: Connection, exports: str, organization: str, state: str | None
) -> bool:
    """Put an organisation's exports into a state, if the table lets us; None changes nothing."""
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
