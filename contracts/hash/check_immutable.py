"""What is in the ledger stays there: nobody rewrites it, neither its owner nor any role."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow

from contracts.hash.append_only import AppendOnlyTable, Statement
from harness.check import check
from harness.client import Organization, Samples
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

REQUEST_ROLES = ("anon", "authenticated", "service_role")
"""The roles that the contract names; besides them the table's owner and the backend's login."""

LOCK_TIMEOUT_S = 0.2
"""TRUNCATE waits for everybody who is at the table and lets nobody pass meanwhile: not long."""

TRIES = 30
"""How often a statement is tried that came upon others at the same table."""

FEWEST_ATTEMPTS = 4 * 10
"""Four roles; of each six columns at least that can be changed, DELETE, TRUNCATE and disguises."""


@check(
    "hash.immutable",
    "UPDATE, DELETE and TRUNCATE of the ledger are refused, whoever tries, whichever way",
    checklist="Verify the audit log is append-only",
    observes=FEWEST_ATTEMPTS,
    needs={Capability.DATABASE, Capability.DATABASE_CONTROL},
)
async def check_immutable(
    org: Organization,
    samples: Samples,
    system: System,
    target: Target,
    cover: Coverage,
    observe: Observations,
) -> None:
    if target.ledger is None or system.control_url is None:
        raise Inconclusive("the target file has no [ledger] table, or no control of the database")
    job = await org.new_job()
    for _ in range(2):
        await org.client.new_evidence(job["id"], samples.new())
    mine = f"{target.ledger.columns.organization_id} = '{org.id}'"  # an id of the harness's own
    async with controlled(system.control_url) as database, database.connect() as connection:
        table = await AppendOnlyTable.read(database, target.ledger)
        drill = Drill(connection, table, mine, org)
        for role in await roles_to_try(database, table, system):
            for attempt in table.attempts(mine):
                await drill.expect_refused(role, attempt)
                cover("append-only ledger", role=role, statement=attempt.name)
                observe(what="statements")


@asynccontextmanager
async def controlled(url: str) -> AsyncIterator[Database]:
    """The system's database with every right; whoever uses it takes back what they do."""
    database = Database(url, writable=True)
    try:
        yield database
    finally:
        await database.close()


async def roles_to_try(database: Database, table: AppendOnlyTable, system: System) -> list[str]:
    """Give the table's owner, the role that the backend logs in as, and those of requests."""
    row = await database.fetch_one(
        "SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = %s::regclass",
        [table.name],
    )
    existing = await database.fetch(
        "SELECT rolname AS name FROM pg_roles WHERE rolname = ANY (%s)", [list(REQUEST_ROLES)]
    )
    login = urlsplit(system.database_url or "").username
    roles = [row["owner"], *([login] if login else []), *(each["name"] for each in existing)]
    return list(dict.fromkeys(roles))


class Drill:
    """Tries statements as a role, in transactions that are always rolled back."""

    def __init__(
        self,
        connection: AsyncConnection[DictRow],
        table: AppendOnlyTable,
        mine: str,
        org: Organization,
    ) -> None:
        self._connection = connection
        self._claims = json.dumps(
            {
                "sub": org.users["owner"],
                "role": "authenticated",
                "app_metadata": {"organization_id": org.id, "role": "owner"},
            }
        )
        self._digest = (
            f"SELECT count(*) AS rows, md5(string_agg(t::text, ' ' ORDER BY t::text)) AS digest "  # noqa: S608
            f"FROM {table.name} AS t WHERE {mine}"
        )

    async def expect_refused(self, role: str, attempt: Statement) -> None:
        """Fail unless the statement is refused, or leaves every row as it was."""
        for _ in range(TRIES):
            try:
                await self._try(role, attempt)
            except psycopg.errors.LockNotAvailable:
                continue
            return
        raise Inconclusive(f"{attempt.name} found the table locked {TRIES} times")

    async def _try(self, role: str, attempt: Statement) -> None:
        async with self._connection.transaction(force_rollback=True):
            before = await self._rows()
            try:
                async with self._connection.transaction():
                    await self._become(role)
                    done = await self._connection.execute(attempt.sql.encode())
                    got = f"{done.statusmessage}"
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.Error:
                return
            await self._connection.execute("SET LOCAL ROLE NONE")
            after = await self._rows()
            expect(
                after == before,
                expected=f"{attempt.name} of the ledger to be refused to {role}",
                got=f"{got}: {before['rows']} rows before, {after['rows']} after"
                + (", changed" if after["rows"] == before["rows"] else ""),
                detail=attempt.sql,
            )

    async def _rows(self) -> DictRow:
        row = await (await self._connection.execute(self._digest.encode())).fetchone()
        assert row is not None
        return row

    async def _become(self, role: str) -> None:
        await self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S * 1000:g}ms'")
        # Row security would hide the rows, and make an UPDATE of nothing look like a refusal.
        await self._connection.execute(
            "SELECT set_config('request.jwt.claims', %s, true)", [self._claims]
        )
        await self._connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
