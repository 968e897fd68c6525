"""Two tenants' rows in one database, isolated by nothing but the claims of the request.

Everything is tried in transactions that are rolled back, in the roles of the API's requests.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.tenancy.catalog.model import REQUEST_ROLES, Catalog, Column, Relation
from contracts.tenancy.catalog.tenants import TenantTable, organization_column, views_over
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.foreign_calls import Caller, callable_by
from contracts.tenancy.sql.foreign_reads import Reader, count_rows, readable
from contracts.tenancy.sql.foreign_writes import Writer
from contracts.tenancy.sql.request_sql import Actor, Connection, attempt
from contracts.tenancy.sql.sql_tenant import SqlTenant
from contracts.tenancy.sql.tenant_claims import claims_without_access, spoofed_claims
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target.sql.export_table import ExportTable
from harness.target.tables.catalog import RoleName

ANON, AUTHENTICATED = REQUEST_ROLES

OWN = "its own claims"
SOMEBODYS = "an organization's claims"
AFTER_SET_LOCAL = "claims that are ''"
NEVER_SET = "claims that were never set"

OTHER_STATES = ("queued", "failed")
"""Further states of foreign exports to call functions in, because functions check the state."""


@dataclass(frozen=True, kw_only=True)
class SqlIsolation:
    """Two tenants in a database, and the statements that must not get from one to the other."""

    catalog: Catalog
    tables: list[TenantTable]
    exports: ExportTable
    mine: SqlTenant
    theirs: SqlTenant
    has_contract_claims: bool
    """Whether their claims hold the organization where the contract says."""
    observe: Observations
    cover: Coverage
    cells: Cells

    async def expect_isolated(self, database: Database) -> None:
        """Fail unless each tenant sees its own rows and cannot reach the other's.

        `database` is opened by a user who may become any role.
        """
        async with database.connect() as connection:
            for role in self.catalog.request_roles:
                await self._expect_no_rows(self._actor(connection, role, None, NEVER_SET))
        async with database.connect() as connection, connection.transaction(force_rollback=True):
            await connection.execute("SET LOCAL lock_timeout = '3s'")
            await connection.execute("SET LOCAL statement_timeout = '10s'")
            await self._expect_own_rows(connection, self.mine, self.theirs)
            await self._expect_own_rows(connection, self.theirs, self.mine)
            without_access = [
                self._actor(connection, role, "", AFTER_SET_LOCAL)
                for role in self.catalog.request_roles
            ]
            if ANON in self.catalog.own_roles:
                anybody = self._actor(connection, ANON, self._own_claims, SOMEBODYS)
                without_access.append(anybody)
            if self.has_contract_claims:
                without_access += [
                    self._actor(connection, AUTHENTICATED, claims, name)
                    for name, claims in claims_without_access(self.mine.claims["member"]).items()
                ]
            for actor in without_access:
                await self._expect_no_rows(actor)
            await self._expect_no_writes(connection)
            await self._expect_no_calls(connection)

    async def sees_own_rows(self, database: Database) -> bool:
        """Whether a token's claims, as they are, show any row of any table to the role of requests.

        A backend that looks the organization up may set others, which the target file does not
        name.
        """
        async with database.connect() as connection, connection.transaction(force_rollback=True):
            actor = Actor(connection, AUTHENTICATED, self._own_claims, OWN)
            async with actor.acting():
                for table in self.tables:
                    statement = f"SELECT 1 FROM {table.relation.name} LIMIT 1"  # noqa: S608 - a name
                    if (await attempt(connection, statement)).affected:
                        return True
        return False

    @property
    def _own_claims(self) -> str:
        return json.dumps(self.mine.claims["member"])

    async def _expect_own_rows(
        self, connection: Connection, mine: SqlTenant, theirs: SqlTenant
    ) -> None:
        """Fail unless an organization's claims show all its rows and none of another."""
        stored = await count_rows(connection, self.tables, mine.id)
        named = {table.relation.oid for table in self.tables if table.named}
        kinds = {
            OWN if role == "member" else f"the claims of its {role}": json.dumps(claims)
            for role, claims in mine.claims.items()
        }
        if self.has_contract_claims:
            kinds |= spoofed_claims(mine.claims["member"], theirs.id)
        for name, claims in kinds.items():
            actor = self._actor(connection, AUTHENTICATED, claims, name)
            async with actor.acting():
                reader = Reader(actor)
                for relation in readable(self.catalog, AUTHENTICATED):
                    all_of = stored.get(relation.oid) if relation.oid in named else None
                    async with self._cell("SELECT", relation, actor):
                        seen = await reader.expect_own(relation, mine, theirs, all_of=all_of)
                        if seen and relation.oid in named:
                            self.observe(
                                what="contract's tables read with an organization's claims"
                            )

    async def _expect_no_rows(self, actor: Actor) -> None:
        """Fail if a role sees tenants' rows with claims that give no access to them."""
        guarded = {table.relation.oid for table in self.tables}
        guarded |= {view.oid for view in views_over(self.catalog, self.tables)}
        async with actor.acting():
            for relation in readable(self.catalog, actor.role):
                no_errors = relation.oid in guarded and actor.claims_name in {
                    NEVER_SET,
                    AFTER_SET_LOCAL,
                }
                async with self._cell("SELECT", relation, actor):
                    await Reader(actor).expect_no_tenant(
                        relation, (self.mine, self.theirs), errors=not no_errors
                    )

    async def _expect_no_writes(self, connection: Connection) -> None:
        """Fail if a request's role can write what belongs to another organization."""
        actors = [
            self._actor(connection, AUTHENTICATED, self._own_claims, OWN),
            self._actor(connection, AUTHENTICATED, "", AFTER_SET_LOCAL),
        ]
        if ANON in self.catalog.own_roles:
            actors.append(self._actor(connection, ANON, self._own_claims, SOMEBODYS))
        for relation, organization, rows in await self._writable(connection):
            for actor in actors:
                writer = Writer(actor, self.theirs.id)
                stored = len(rows) if actor.claims == self._own_claims else 0
                async with self._cell("writes", relation, actor):
                    for command in await writer.expect_kept_out(
                        relation, organization, rows[0], stored
                    ):
                        self._cover(command, relation, actor)

    async def _writable(
        self, connection: Connection
    ) -> list[tuple[Relation, Column, list[Mapping[str, Any]]]]:
        """Tables and views with an organization column, that column, and the tenant's rows."""
        relations = [table.relation for table in self.tables]
        relations += [view for view in views_over(self.catalog, self.tables) if view.kind == "v"]
        found = []
        for relation in relations:
            organization = organization_column(relation)
            if organization is None:
                continue
            statement = (
                f"SELECT to_jsonb(r) AS row FROM {relation.name} AS r "  # noqa: S608 - from the catalog
                f"WHERE r.{quoted_column(organization.name)}::text = %s"
            )
            outcome = await attempt(connection, statement, [self.mine.id])
            if outcome.error is not None:  # a view may call what works within a request only
                own = self._actor(connection, AUTHENTICATED, self._own_claims, OWN)
                async with own.acting():
                    outcome = await attempt(connection, statement, [self.mine.id])
            if rows := [row["row"] for row in outcome.rows]:
                found.append((relation, organization, rows))
        return found

    async def _expect_no_calls(self, connection: Connection) -> None:
        """Fail if a function lets a request reach what belongs to another organization."""
        own = self._actor(connection, AUTHENTICATED, self._own_claims, OWN)
        actors: list[tuple[Actor, tuple[str | None, ...]]] = [(own, (None, *OTHER_STATES))]
        actors += [
            (self._actor(connection, role, "", AFTER_SET_LOCAL), (None,))
            for role in reversed(self.catalog.request_roles)
        ]
        for actor, states in actors:
            functions = callable_by(self.catalog, actor.role)
            for state in states if functions else ():
                async with connection.transaction(force_rollback=True):
                    if not await self._set_export_state(connection, state):
                        continue
                    for function in functions:
                        async with self.cells.of(
                            function=function.signature,
                            role=actor.role,
                            claims=actor.claims_name,
                            state=state or "ready",
                        ):
                            await Caller(actor, self.tables).expect_isolated(function, self.theirs)
                            rule = f"{actor.role}: {actor.claims_name}"
                            self.cover("functions", function=function.signature, rule=rule)

    async def _set_export_state(self, connection: Connection, state: str | None) -> bool:
        """Set the state of the other tenant's exports, if the table allows it; None keeps it."""
        if state is None:
            return True
        try:
            async with connection.transaction():
                becomes = self.exports.becomes(state).replace("%", "%%")
                owner = self.exports.own("organization_id").replace("%", "%%")
                await connection.execute(
                    f"UPDATE {self.exports.name} SET {becomes} WHERE {owner}::text = %s".encode(),  # noqa: S608 - all quoted
                    [self.theirs.id],
                )
        except psycopg.Error:
            return False
        return True

    def _actor(
        self, connection: Connection, role: RoleName, claims: str | None, name: str
    ) -> Actor:
        """A role of requests with some claims. `Inconclusive` where there is no such role."""
        if role not in self.catalog.own_roles:
            raise Inconclusive(f'[catalog.roles] says that there is no role {role} ("")')
        return Actor(connection, role, claims, name, self.catalog.own_roles[role])

    @asynccontextmanager
    async def _cell(self, command: str, relation: Relation, actor: Actor) -> AsyncIterator[None]:
        """A cell for one command on one table, in one role with one kind of claims."""
        async with self.cells.of(
            table=relation.name, command=command, role=actor.role, claims=actor.claims_name
        ):
            yield
            if command == "SELECT":
                self._cover(command, relation, actor)

    def _cover(self, command: str, relation: Relation, actor: Actor) -> None:
        tried = f"{command} {actor.claims_name}"
        self.cover("sql", table=relation.name, role=actor.role, tried=tried)
