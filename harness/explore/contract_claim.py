"""The protocol of a backend that names none: the claim function, as the contract has it.

Only for a database of the harness's own, as a superuser. Exports come from the backend itself,
requested over HTTP; their rows are set aside and put back before every interleaving, with the
triggers off, and so are the rows of any other table that a claim changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.explore.errors import CannotGoOnError
from harness.explore.protocol.protocol import Claim, Connections, Exports, Protocol, State
from harness.explore.protocol.statement import Statement, quote
from harness.explore.running.session import Session, SqlResults
from harness.vocabulary.exports import PREPARING

WORKER_ROLE = "service_role"
"""The contract's only role that may call the claim function."""

EXPORTS_NEEDED = (5, 2)
"""How many queued exports of two organizations the scenarios of claims take."""

_KEPT = "shakedown_explore"
_NEEDED = ("id", "organization_id", "state")

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$|shakedown)'
ORDER BY 1
"""


async def contract_claim(
    dsn: str, *, function: str, table: str, lease_until: str | None = None
) -> Protocol:
    """Find out what the claim function returns and changes; set the queued exports aside.

    `table` holds the exports, all of them queued; `lease_until` is the column, if there is one,
    of the moment at which a claim runs out, so that another may take over. Raises
    `CannotGoOnError` where it is not the contract's or there is no such function.
    """
    session = await Session.open(dsn, "preparation")
    try:
        preparation = _Preparation(
            session=session, function=function, table=table, lease_until=lease_until
        )
        return await preparation.protocol()
    finally:
        await session.close()


@dataclass(frozen=True, kw_only=True)
class _Preparation:
    session: Session
    function: str
    table: str
    lease_until: str | None

    @property
    def age(self) -> str:
        """Makes the leases run out; empty where there are none."""
        if self.lease_until is None:
            return ""
        lease = self.lease_until
        return (
            f"UPDATE {self.table} SET {lease} = {lease} - interval '1 hour' WHERE id IN "  # noqa: S608
            f"(SELECT id FROM {self.table} WHERE state = {quote(PREPARING)} "
            "FOR UPDATE SKIP LOCKED) RETURNING id"
        )

    @property
    def call(self) -> str:
        values = "p_worker => %(worker)s, p_limit => %(limit)s, p_max_per_org => %(cap)s"
        return f"SELECT * FROM {self.function}({values})"  # noqa: S608

    async def protocol(self) -> Protocol:
        columns = await self._columns(self.table)
        if missing := [name for name in _NEEDED if name not in columns]:
            raise CannotGoOnError(
                f"the table {self.table!r} has no {', '.join(missing)}: it is not the contract's, "
                "and the target names no [claim] protocol"
            )
        role = await self._texts("SELECT 1 FROM pg_roles WHERE rolname = 'service_role'")
        worker = f"SET ROLE {WORKER_ROLE}" if role else ""
        answered = await self._answered_columns(worker)
        reset = await self._set_aside(worker)
        ids = [name for name in ("id", "export_id") if name in answered]
        tokens = [name for name in answered if "token" in name]
        shown = [*_NEEDED, *(["attempt"] if "attempt" in columns else [])]
        kept, listed = self._kept(self.table), ", ".join(columns)
        return Protocol(
            name=f"{self.function}() of the contract",
            # Put back without triggers: a backend's own triggers must not run here.
            connection=Connections(
                worker=worker, observer="SET session_replication_role = replica"
            ),
            exports=Exports(
                reset=reset,
                insert=f"INSERT INTO {self.table} ({listed}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                f"SELECT {listed} FROM {kept} AS k "
                "WHERE k.organization_id::text = %(organization)s AND NOT EXISTS "
                f"(SELECT FROM {self.table} AS e WHERE e.id = k.id) ORDER BY k.id LIMIT 1",
            ),
            state=State(
                query=f"SELECT {', '.join(shown)} FROM {self.table} ORDER BY id",  # noqa: S608
                # The contract says what the claim returns, not how it is stored.
                token="",
                owner="",
                completions="",
            ),
            claim=Claim(
                sql=self.call,
                id=ids[0] if ids else "id",
                token=tokens[0] if len(tokens) == 1 else "",
                attempt="attempt" if "attempt" in answered else "",
                # By the contract a claim takes what is queued, or what has run out.
                takes_over=self.lease_until is not None,
                age=self.age,
            ),
        )

    def _one_claim(self) -> str:
        return Statement(sql=self.call).fill({"worker": "shakedown", "limit": 1, "cap": 3})

    async def _answered_columns(self, worker: str) -> Sequence[str]:
        """Make a claim that is rolled back, and give the columns it returns."""
        answer = await self.session.run(f"BEGIN; {worker or 'SELECT 1'}; {self._one_claim()}")
        await self.session.run("ROLLBACK; RESET ROLE")
        if answer.error is not None and answer.error.is_unknown_function:
            raise CannotGoOnError(f"there is no claim function: {answer.error.message}")
        # If it raises, the interleavings will show it.
        return answer.tables[-1].columns if answer.error is None and answer.tables else ()

    async def _set_aside(self, worker: str) -> str:
        """Copy what a claim changes; give the SQL that puts everything but exports back."""
        tables = await self._texts(_TABLES)
        await self._run(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE; CREATE SCHEMA {_KEPT}")
        for name in {*tables, self.table}:
            await self._run(f"CREATE TABLE {self._kept(name)} AS TABLE {name}")
        before = [await self._digest(name) for name in tables]
        await self.session.run(f"BEGIN; {worker or 'SELECT 1'}; {self._one_claim()}; COMMIT")
        await self.session.run("ROLLBACK; RESET ROLE")
        (own,) = await self._texts(
            f"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c "  # noqa: S608
            f"JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE c.oid = {quote(self.table)}::regclass"
        )
        statements = [f"DELETE FROM {self.table}"]  # noqa: S608
        for name, digest in zip(tables, before, strict=True):
            if name != own and await self._digest(name) != digest:
                listed = ", ".join(await self._columns(name))
                statements.append(f"DELETE FROM {name}")  # noqa: S608
                statements.append(
                    f"INSERT INTO {name} ({listed}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                    f"SELECT {listed} FROM {self._kept(name)}"
                )
        return "; ".join(statements)

    def _kept(self, table: str) -> str:
        return f'{_KEPT}."{table.replace(chr(34), chr(34) * 2)}"'

    async def _digest(self, table: str) -> str:
        (digest,) = await self._texts(
            f"SELECT md5(COALESCE(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} AS t"  # noqa: S608
        )
        return digest

    async def _columns(self, table: str) -> list[str]:
        return await self._texts(
            "SELECT quote_ident(attname) FROM pg_attribute "  # noqa: S608
            f"WHERE attrelid = to_regclass({quote(table)}) AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
        )

    async def _texts(self, sql: str) -> list[str]:
        answer = await self._run(sql)
        return [row[0] or "" for row in answer.tables[-1].rows]

    async def _run(self, sql: str) -> SqlResults:
        answer = await self.session.run(sql)
        if answer.error is not None:
            raise CannotGoOnError(f"{sql[:200]}: {answer.error}")
        return answer
