"""The protocol of a backend that names none: the claim function, as the contract has it.

Only for a database of the harness's own, as a superuser. Exports come from the backend itself,
requested over HTTP; their rows are set aside and put back before every interleaving, with the
triggers off, and so are the rows of any other table that a claim changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from harness.explore.errors import CannotGoOnError
from harness.explore.protocol.protocol import Claim, Connections, Exports, Protocol, State
from harness.explore.protocol.statement import Statement, quote
from harness.explore.running.session import Session, SqlResults
from harness.target.sql.claim_call import claim_call, function_name
from harness.target.sql.export_table import ExportTable, quoted
from harness.target.tables.claim import Claim as TargetClaim
from harness.target.tables.claim import ClaimArgument, ExportColumn
from harness.vocabulary.exports import PREPARING

EXPORTS_NEEDED = (5, 2)
"""How many queued exports of two organizations the scenarios of claims take."""

_KEPT = "shakedown_explore"
_NEEDED: tuple[ExportColumn, ...] = ("id", "organization_id", "state")

_RETURNS_JSON = """
SELECT 1 FROM pg_proc AS p
WHERE p.prorettype IN ('json'::regtype, 'jsonb'::regtype)
  AND p.oid = ANY (SELECT f.oid FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace
                   WHERE {name} IN (f.proname, n.nspname || '.' || f.proname))
LIMIT 1
"""

_ITEMS = """LATERAL jsonb_array_elements(
    CASE jsonb_typeof(to_jsonb(answer.value))
        WHEN 'array' THEN to_jsonb(answer.value)
        WHEN 'object' THEN jsonb_build_array(answer.value)
        ELSE '[]'
    END
) AS item"""
"""One row for each document: a claim may return one, an array of them, or nothing."""

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$|shakedown)'
ORDER BY 1
"""


async def contract_claim(dsn: str, *, table: ExportTable) -> Protocol:
    """Find out what the claim function returns and changes; set the queued exports aside.

    All rows of `table` are queued exports. Raises `CannotGoOnError` where it is not as the target
    file says, or there is no such function.
    """
    session = await Session.open(dsn, "preparation")
    try:
        return await _Preparation(session=session, exports=table).protocol()
    finally:
        await session.close()


@dataclass(frozen=True, kw_only=True)
class _Preparation:
    session: Session
    exports: ExportTable

    @property
    def claim(self) -> TargetClaim:
        return self.exports.claim

    @property
    def table(self) -> str:
        return self.exports.name

    @property
    def age(self) -> str:
        """Makes the leases run out; empty where there are none."""
        if self.claim.lease_until is None:
            return ""
        lease, own_id = quoted(self.claim.lease_until), self.exports.id
        return (
            f"UPDATE {self.table} SET {lease} = {lease} - interval '1 hour' WHERE {own_id} IN "  # noqa: S608
            f"(SELECT {own_id} FROM {self.table} AS e WHERE {self.exports.is_in(PREPARING, 'e')} "
            f"FOR UPDATE SKIP LOCKED) RETURNING {own_id} AS id"
        )

    async def call(self) -> str:
        """The claim; of a function that returns JSON, with a column for each of its members."""
        given: dict[ClaimArgument, sql.Composable] = {
            "worker": sql.Placeholder("worker"),
            "limit": sql.Placeholder("limit"),
            "per_org": sql.Placeholder("cap"),
        }
        call = claim_call(self.claim, given).as_string(None)
        if not await self._texts(_RETURNS_JSON.format(name=quote(self.claim.function))):
            return f"SELECT * FROM {call}"  # noqa: S608
        result = self.claim.result
        members = dict.fromkeys(
            (result.id or "id", result.attempt or "attempt", result.claim_token or "claim_token")
        )
        shown = ", ".join(f"item ->> {quote(name)} AS {quoted(name)}" for name in members)
        return f"SELECT {shown} FROM {call} AS answer (value), {_ITEMS}"  # noqa: S608

    async def protocol(self) -> Protocol:
        columns = await self._columns(self.table)
        named = {name: self.claim.column(name) for name in _NEEDED}
        known = {name.strip('"').replace('""', '"') for name in columns}
        if missing := [name for name in named.values() if name not in known]:
            raise CannotGoOnError(
                f"the table {self.claim.table!r} has no {', '.join(missing)}: name its columns in "
                "[claim.columns], or a [claim] protocol"
            )
        role = self.claim.role and await self._texts(
            f"SELECT 1 FROM pg_roles WHERE rolname = {quote(self.claim.role)}"  # noqa: S608
        )
        worker = f"SET ROLE {quoted(self.claim.role)}" if role else ""
        call = await self.call()
        answered = await self._answered_columns(worker, call)
        reset = await self._set_aside(worker, call)
        names = self._result_names(answered)
        has_attempt = self.claim.column("attempt") in known
        shown: tuple[ExportColumn, ...] = (*_NEEDED, "attempt") if has_attempt else _NEEDED
        kept, listed = self._kept(self.table), ", ".join(columns)
        organization, own_id = self.exports.own("organization_id"), self.exports.id
        return Protocol(
            name=f"{self.claim.function}() of the contract",
            # Put back without triggers: a backend's own triggers must not run here.
            connection=Connections(
                worker=worker, observer="SET session_replication_role = replica"
            ),
            exports=Exports(
                reset=reset,
                insert=f"INSERT INTO {self.table} ({listed}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                f"SELECT {listed} FROM {kept} AS k "
                f"WHERE k.{organization}::text = %(organization)s AND NOT EXISTS "
                f"(SELECT FROM {self.table} AS e WHERE e.{own_id} = k.{own_id}) "
                f"ORDER BY k.{own_id} LIMIT 1",
            ),
            state=State(
                query=f"SELECT {', '.join(shown)} FROM {self.exports.rows(*shown)} AS shown "  # noqa: S608
                "ORDER BY id",
                # The contract says what the claim returns, not how it is stored.
                token="",
                owner="",
                completions="",
            ),
            claim=Claim(
                sql=call,
                id=names["id"] or "id",
                token=names["claim_token"],
                attempt=names["attempt"] if has_attempt else "",
                # By the contract a claim takes what is queued, or what has run out.
                takes_over=self.claim.lease_until is not None,
                age=self.age,
            ),
        )

    def _result_names(self, answered: Sequence[str]) -> dict[str, str]:
        """The columns of a claim's id, token and attempt; empty for what it does not return."""
        result = self.claim.result
        plain = function_name(self.claim)
        ids = [name for name in ("id", "export_id", plain) if name in answered]
        tokens = [name for name in answered if "token" in name]
        found = {
            "id": ids[0] if ids else "",
            "claim_token": tokens[0] if len(tokens) == 1 else "",
            "attempt": "attempt" if "attempt" in answered else "",
        }
        declared = {name: value for name, value in result if value is not None}
        if list(answered) == [plain]:  # a function that returns no more than the id
            return found
        return found | declared

    def _one_claim(self, call: str) -> str:
        return Statement(sql=call).fill({"worker": "shakedown", "limit": 1, "cap": 3})

    async def _answered_columns(self, worker: str, call: str) -> Sequence[str]:
        """Make a claim that is rolled back, and give the columns it returns."""
        answer = await self.session.run(f"BEGIN; {worker or 'SELECT 1'}; {self._one_claim(call)}")
        await self.session.run("ROLLBACK; RESET ROLE")
        if answer.error is not None and answer.error.is_unknown_function:
            raise CannotGoOnError(f"there is no claim function: {answer.error.message}")
        # If it raises, the interleavings will show it.
        return answer.tables[-1].columns if answer.error is None and answer.tables else ()

    async def _set_aside(self, worker: str, call: str) -> str:
        """Copy what a claim changes; give the SQL that puts everything but exports back."""
        tables = await self._texts(_TABLES)
        await self._run(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE; CREATE SCHEMA {_KEPT}")
        for name in {*tables, self.table}:
            await self._run(f"CREATE TABLE {self._kept(name)} AS TABLE {name}")
        before = [await self._digest(name) for name in tables]
        await self.session.run(f"BEGIN; {worker or 'SELECT 1'}; {self._one_claim(call)}; COMMIT")
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
