"""Claims called directly in a transaction that is rolled back, each judged by what it changed."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from contracts.claim.export_rows import ExportRow, expect_unchanged, read_export_rows
from contracts.shared.exports.claim_function import (
    CALLABLE,
    WITHIN_LIMIT,
    ClaimFunction,
)
from contracts.shared.exports.claim_result import attempt_of, claimed_rows, tokens_of
from harness.errors import CheckFailed
from harness.evidence import query_evidence
from harness.expect import expect, expect_equal, showing
from harness.target.tables.claim import Claim, ClaimArgument
from harness.vocabulary.exports import PREPARING

UNIQUE_RULE = "claim.new-token"
"""The rule that a claim token is never issued twice."""

NO_SETTINGS: Mapping[str, str] = {}
LOCK_TIMEOUT_MS = 1500
"""A claim that waits longer than this for a lock fails: it must skip locked exports."""

Row = Mapping[str, Any]


@dataclass
class IssuedTokens:
    """Every claim token seen so far, to find one that is issued twice."""

    issued: set[str] = field(default_factory=set)
    missing: int = 0
    """Number of claims that returned no token."""

    def add(self, row: Row, call: str, claim: Claim) -> None:
        """Add the token of a claimed row. Fail when it is NULL or was issued before."""
        columns = tokens_of(row, claim)
        if not columns:
            self.missing += 1
            return
        token = next((str(value) for value in columns.values() if value is not None), None)
        expect(
            token,
            expected="a claim token from a claim",
            got=f"{columns} in a row with attempt {row.get('attempt')}",
            detail=call,
            rule=UNIQUE_RULE,
        )
        expect(
            token not in self.issued,
            expected="a new claim token from a claim: a token is never issued twice, not even "
            "after a rollback (a crash of the database is one)",
            got=f"a token that was issued before, one of {len(self.issued)}",
            detail=call,
            rule=UNIQUE_RULE,
        )
        self.issued.add(str(token))


@dataclass(kw_only=True)
class ClaimTransaction:
    """An open transaction that claims as workers do."""

    connection: AsyncConnection[Any]
    claims: ClaimFunction
    tokens: IssuedTokens
    claimed: int = 0
    """Number of exports claimed in it so far."""

    async def claim(
        self,
        worker: str,
        *,
        limit: int | None = None,
        per_org: int | None = None,
        most: int | None = None,
    ) -> list[ExportRow]:
        """Call the claim function, judge this claim, and return the claimed exports, oldest first.

        What is None is not passed, except to a function of another signature than the contract's,
        whose defaults are its own. `most` is how many exports these arguments allow, where that
        is not `limit`, or 1 without one.
        """
        if self.declared.has_own_arguments:
            limit, per_org = limit or 1, per_org or self.claims.cap
        numbers: dict[ClaimArgument, int | None] = {"limit": limit, "per_org": per_org}
        given: dict[ClaimArgument, int | str] = {"worker": worker}
        given |= {name: number for name, number in numbers.items() if number is not None}
        return await self.claim_as(given, most=(limit or 1) if most is None else most)

    async def claim_as(
        self, given: Mapping[ClaimArgument, int | str], *, by_position: bool = False, most: int
    ) -> list[ExportRow]:
        """The same with arguments in an order of their own."""
        asked = self.claims.call(given, by_position=by_position)
        call = asked.as_string(self.connection)
        before = await self.read_rows()
        rows = await self._call(asked, call)
        after = await self.read_rows()
        role = f"SET ROLE {self.declared.role};\n" if self.declared.role else ""
        shown = f"{role}SELECT * FROM {call}"  # noqa: S608 - to be read
        with showing(query_evidence("a claim and the rows it returned", shown, rows)):
            claimed = self._claimed(before, after, rows, most=most, call=call)
            worker = str(given["worker"])
            await self._expect_claimed(call, worker, [(before[row.id], row) for row in claimed])
            self._expect_returned(rows, claimed, call)
        self.claimed += len(claimed)
        return sorted(claimed, key=lambda row: row.created_at)

    def _claimed(
        self,
        before: Mapping[str, ExportRow],
        after: Mapping[str, ExportRow],
        rows: Sequence[Row],
        *,
        most: int,
        call: str,
    ) -> list[ExportRow]:
        """Give the claimed exports; fail unless they are within the limit, one for each row."""
        limit = most if self.claims.takes("limit") else len(before)
        claimed = [row for row in after.values() if row.is_claimed_since(before[row.id])]
        expect(
            len(rows) <= limit,
            expected="no more rows from a claim than p_limit",
            got=f"{len(rows)} rows, with {len(before)} exports in the table",
            detail=call,
            rule=WITHIN_LIMIT,
        )
        what = f"number of exports set to {PREPARING} by a claim, one for each row it returned"
        expect_equal(len(claimed), len(rows), what, detail=call, rule=WITHIN_LIMIT)
        but = frozenset(row.id for row in claimed)
        expect_unchanged(before, after, "a claim", detail=call, but=but)
        for row in rows:
            self.tokens.add(row, call, self.declared)
        return claimed

    def _expect_returned(
        self, rows: Sequence[Row], claimed: Sequence[ExportRow], call: str
    ) -> None:
        if self.declared.result.attempt == "":
            return
        attempts = [attempt_of(row, self.declared, call) for row in rows]
        if self.claims.table.has("attempt"):
            expect_equal(
                Counter(attempts),
                Counter(row.attempt for row in claimed),
                "number of exports by attempt, as a claim returned them",
                detail=call,
            )

    @property
    def declared(self) -> Claim:
        """What the target file says of the function."""
        return self.claims.declared

    async def read_rows(self) -> dict[str, ExportRow]:
        """Read every export by its id."""
        return await read_export_rows(self.connection, self.claims.table)

    async def _call(self, asked: sql.Composed, call: str) -> list[Row]:
        try:
            await self.claims.become_worker(self.connection, in_transaction=True)
            cursor = await self.connection.execute(sql.SQL("SELECT * FROM {}").format(asked))
            return list(claimed_rows(await cursor.fetchall(), self.declared))
        except psycopg.errors.LockNotAvailable as error:
            raise CheckFailed(
                expected="a claim to skip locked exports without waiting",
                got=f"{error}".replace("\n", " "),
                detail=call,
            ) from error
        except psycopg.Error as error:
            raise CheckFailed(
                expected="the claim function to claim exports when it is called by its arguments",
                got=f"SQLSTATE {error.sqlstate}: {error}".replace("\n", " "),
                detail=call,
                rule=CALLABLE,
                subject="claim function",
            ) from error

    async def _expect_claimed(
        self, call: str, worker: str, claimed: Sequence[tuple[ExportRow, ExportRow]]
    ) -> None:
        cursor = await self.connection.execute("SELECT now() AS began, clock_timestamp() AS now")
        [clock] = await cursor.fetchall()
        for old, new in claimed:
            about = f"export {new.id} of organization {new.organization_id}, claimed by {call}"
            expect_equal(old.state, "queued", "state of an export before a claim", detail=about)
            if old.attempt is not None:
                what = "attempt of a claimed export"
                expect_equal(new.attempt, old.attempt + 1, what, detail=about)
            if self.declared.column("claimed_by") and self.claims.takes("worker"):
                expect(
                    worker in (new.claimed_by or ""),
                    expected=f"{worker!r} in claimed_by of a claimed export",
                    got=repr(new.claimed_by),
                    detail=about,
                )
            if self.claims.table.has("started_at") or self.claims.table.has("heartbeat_at"):
                expect(
                    new.stamped_at is not None and clock["began"] <= new.stamped_at <= clock["now"],
                    expected="started_at or heartbeat_at of a claimed export at or after the "
                    "beginning of the transaction, by the database's clock",
                    got=f"the later of the two is {new.stamped_at}, it began at {clock['began']}",
                    detail=about,
                )


@asynccontextmanager
async def claim_transaction(
    claims: ClaimFunction,
    tokens: IssuedTokens,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[ClaimTransaction]:
    """Open a transaction for claims and roll it back; `settings` are those of its session."""
    async with claims.worker() as connection:
        await connection.execute("RESET ROLE")
        for name, value in {**settings, "lock_timeout": f"{LOCK_TIMEOUT_MS}"}.items():
            await connection.execute(f"SET {name} = {value}")
        async with connection.transaction(force_rollback=True):
            yield ClaimTransaction(connection=connection, claims=claims, tokens=tokens)
