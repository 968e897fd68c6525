"""UPDATE, DELETE and TRUNCATE of the ledger, tried by the table's owner and by every role."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection, sql

from contracts.hash.append_only import AppendOnlyTable, Statement
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.database import Database
from harness.errors import Inconclusive
from harness.evidence import query_evidence
from harness.expect import expect
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.catalog import ROLE_NAMES
from harness.target.tables.ledger import Ledger

LOCK_TIMEOUT_S = 0.2
"""Short: TRUNCATE waits for all users of the table, and new ones wait behind it."""

TRIES = 30
"""How often a statement is tried while others hold a lock on the table."""

FEWEST_OF_A_ROLE = 10
"""Six columns, DELETE, TRUNCATE and indirect statements."""

FEWEST_STATEMENTS = 4 * FEWEST_OF_A_ROLE
"""Those of the table's owner and of the contract's three roles."""


@check(
    "hash.immutable",
    "UPDATE, DELETE and TRUNCATE are refused",
    checklist="Verify the audit log is append-only",
    observes=FEWEST_STATEMENTS,
    needs={Capability.DATABASE, Capability.DATABASE_CONTROL},
)
async def check_immutable(
    org: Organization,
    samples: Samples,
    system: System,
    target: Target,
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Tries every statement that rewrites rows, as the table's owner and as every role.

    Each is refused, or leaves every row as it was (one that appends another row is no rewriting):
    also MERGE, INSERT … ON CONFLICT DO UPDATE, and statements on partitions and on tables whose
    deletions cascade. Every transaction is rolled back.
    Contract: "`UPDATE`, `DELETE` and `TRUNCATE` are refused".
    """
    if target.ledger is None or system.control_url is None:
        raise Inconclusive("the target file has no [ledger] table, or no control of the database")
    job = await org.new_job()
    evidence = [await org.client.new_evidence(job["id"], samples.new()) for _ in range(2)]
    async with Database(system.control_url, writable=True) as database:
        rows = rows_of(target.ledger, org, evidence)
        table = await AppendOnlyTable.read(database, target.ledger)
        roles = await roles_to_try(database, table, system, target)
        for _ in set(ROLE_NAMES) - set(target.database_roles):
            observe.excuse(FEWEST_OF_A_ROLE, why="statements of a role that there is not")
        async with database.connect() as connection:
            ledger = ProtectedRows(connection=connection, table=table.name, rows=rows, org=org)
            for role, whose in roles.items():
                for statement in table.statements(rows):
                    async with cells.of(role=whose, statement=statement.name):
                        await ledger.expect_refused(role, statement)
                        observe(what="statements")
                    cover("append-only ledger", role=role, statement=statement.name)


def rows_of(ledger: Ledger, org: Organization, evidence: Sequence[Record]) -> str:
    """The SQL condition of this evidence's events: few, however old the ledger is."""
    table = LedgerTable(ledger)
    about = sql.SQL("= ANY ({})").format(sql.Literal([str(each["id"]) for each in evidence]))
    of = sql.SQL("= {}").format(sql.Literal(org.id))
    return (
        f"{table.text('organization_id')} {of.as_string()} "
        f"AND {table.text('target_id')} {about.as_string()}"
    )


async def roles_to_try(
    database: Database, table: AppendOnlyTable, system: System, target: Target
) -> dict[str, str]:
    """The table's owner, the role that the backend logs in as, and the contract's roles.

    By name, with what each is to the ledger.
    """
    own = {theirs: ours for ours, theirs in target.database_roles.items()}
    row = await database.fetch_one(
        "SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = %s::regclass",
        [table.name],
    )
    existing = await database.fetch(
        "SELECT rolname AS name FROM pg_roles WHERE rolname = ANY (%s)", [list(own)]
    )
    login = urlsplit(system.database_url or "").username
    roles = [(row["owner"], "the table's owner")]
    roles += [(login, "the backend's login")] if login else []
    roles += [(each["name"], own[each["name"]]) for each in existing]
    return {role: dict(reversed(roles))[role] for role, _ in roles}


@dataclass(frozen=True, kw_only=True)
class ProtectedRows:
    """Rows of one organization, which no statement may change. Everything is rolled back."""

    connection: AsyncConnection[Any]
    table: str
    rows: str
    """The SQL condition of these rows."""
    org: Organization

    async def expect_refused(self, role: str, statement: Statement) -> None:
        """Fail unless the statement is refused, or leaves every row as it was."""
        for _ in range(TRIES):
            try:
                await self._try(role, statement)
            except psycopg.errors.LockNotAvailable:
                continue
            return
        raise Inconclusive(f"the table was locked {TRIES} times for {statement.name}")

    async def _try(self, role: str, statement: Statement) -> None:
        async with self.connection.transaction(force_rollback=True):
            before = await self._rows()
            if not before:
                raise Inconclusive(f"{self.table} has no rows about what was just uploaded")
            try:
                async with self.connection.transaction():
                    await self._become(role)
                    done = await self.connection.execute(statement.sql.encode())
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.Error:
                return
            await self.connection.execute("SET LOCAL ROLE NONE")
            kept, title = before & await self._rows(), "what was not refused"
            expect(
                kept == before,
                expected=f"{statement.name} of the ledger refused",
                got=f"{done.statusmessage}: {kept.total()} of {before.total()} rows are as before",
                detail=f"as the role {role}",
                evidence=(query_evidence(title, f"SET ROLE {role};\n{statement.sql}"),),
            )

    async def _rows(self) -> Counter[str]:
        cursor = await self.connection.execute(
            f"SELECT t::text AS row FROM {self.table} AS t WHERE {self.rows}".encode()  # noqa: S608
        )
        return Counter(each["row"] for each in await cursor.fetchall())

    async def _become(self, role: str) -> None:
        await self.connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S * 1000:g}ms'")
        # Without claims, row security would hide the rows: an UPDATE of no row looks refused.
        metadata = {"organization_id": self.org.id, "role": "owner"}
        claims = {
            "sub": self.org.users["owner"],
            "role": "authenticated",
            "app_metadata": metadata,
        }
        await self.connection.execute(
            "SELECT set_config('request.jwt.claims', %s, true)", [json.dumps(claims)]
        )
        await self.connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
