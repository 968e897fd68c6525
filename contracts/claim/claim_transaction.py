"""One claim, called directly: what it gave back, and what it did to the table of exports."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection

from contracts.shared.exports.claim_function import ClaimFunction
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_equal
from harness.vocabulary.exports import PREPARING

LOCK_TIMEOUT_MS = 1500
"""How long a claim may wait for somebody else's lock before that counts as waiting."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ExportRow:
    """An export as its row says."""

    id: str
    organization_id: str
    state: str
    attempt: int
    claimed_by: str | None
    created_at: datetime
    stamped_at: datetime | None
    """The later one of `started_at` and `heartbeat_at`."""


@dataclass
class IssuedTokens:
    """Every claim token that was ever issued, to see that none is issued again."""

    issued: set[str] = field(default_factory=set)
    unnamed: int = 0
    """Claims that came back without a column that is called something with `token`."""

    def take(self, row: Row, call: str) -> None:
        """Note the token of a claimed row; fail when there is none in it or it is not new."""
        named = {name: value for name, value in row.items() if "token" in name.lower()}
        if not named:
            self.unnamed += 1
            return
        token = next((str(value) for value in named.values() if value is not None), None)
        expect(
            token,
            expected=f"a claim token with each claim of {call}",
            got=f"{named} in a row with attempt {row.get('attempt')}",
        )
        expect(
            token not in self.issued,
            expected="a claim token that was never issued before, also not by a claim that was "
            "rolled back, as one is that a crash loses",
            got=f"one of {len(self.issued)} known ones again, from {call}",
        )
        self.issued.add(str(token))


@dataclass(kw_only=True)
class ClaimTransaction:
    """A transaction in the role of workers, which is rolled back in the end."""

    connection: AsyncConnection[Any]
    role: str
    claims: ClaimFunction
    table: str
    tokens: IssuedTokens
    claimed: int = 0
    """How many exports were claimed in it."""

    async def claim(self, arguments: str, *, worker: str, limit: int) -> list[ExportRow]:
        """Call the function and give what it claimed, judged as one claim.

        `arguments` as in SQL, with `{worker}` for the quoted name; `limit` is what they allow.
        """
        call = f"{self.claims.function}({arguments.format(worker=_quoted(worker))})"
        before = await self.read_exports()
        rows = await self._call(call)
        after = await self.read_exports()
        taken = [after[each] for each in after if _is_new(after[each], before[each])]
        expect(
            len(rows) <= limit,
            expected=f"at most {limit} rows from {call}",
            got=f"{len(rows)} rows, with {len(before)} exports in the table",
        )
        expect_equal(
            len(taken),
            len(rows),
            f"the number of exports that are {PREPARING} by {call}",
            detail=f"it returned {len(rows)} rows",
        )
        expect_unchanged(
            before, after, {each.id for each in taken}, f"{call} to change what it claims only"
        )
        await self._judge(call, worker, rows, [(before[each.id], each) for each in taken])
        self.claimed += len(taken)
        return sorted(taken, key=lambda each: each.created_at)

    async def read_exports(self) -> dict[str, ExportRow]:
        """Every export by its id, whatever the role may see."""
        return await read_exports(self.connection, self.table, self.role)

    async def _call(self, call: str) -> list[Row]:
        try:
            await self.connection.execute(f"SET LOCAL ROLE {self.role}")
            cursor = await self.connection.execute(f"SELECT * FROM {call}")  # noqa: S608 - as above
            return list(claimed_rows(await cursor.fetchall()))
        except psycopg.errors.LockNotAvailable as error:
            raise CheckFailed(
                expected=f"{call} to skip exports that somebody else has locked",
                got=f"SQLSTATE {error.sqlstate} after {LOCK_TIMEOUT_MS} ms of waiting: {error}",
            ) from error
        except psycopg.Error as error:
            raise CheckFailed(
                expected=f"{call} to claim exports",
                got=f"SQLSTATE {error.sqlstate}: {error}".replace("\n", " "),
            ) from error

    async def _judge(
        self,
        call: str,
        worker: str,
        rows: Sequence[Row],
        taken: Sequence[tuple[ExportRow, ExportRow]],
    ) -> None:
        for row in rows:
            expect(
                "attempt" in row, expected=f"attempt in what {call} returns", got=f"{sorted(row)}"
            )
            self.tokens.take(row, call)
        cursor = await self.connection.execute("SELECT now() AS began, clock_timestamp() AS now")
        clock = await cursor.fetchone()
        assert clock is not None
        for old, new in taken:
            what = f"export {new.id} of organization {new.organization_id} after {call}"
            expect_equal(old.state, "queued", f"the state before that of {what}")
            expect_equal(new.attempt, old.attempt + 1, f"attempt of {what}")
            expect(
                worker in (new.claimed_by or ""),
                expected=f"claimed_by of {what} to name {worker!r}",
                got=repr(new.claimed_by),
            )
            expect(
                new.stamped_at is not None and clock["began"] <= new.stamped_at <= clock["now"],
                expected=f"started_at or heartbeat_at of {what} to be of this claim: it began at "
                f"{clock['began']} by the database's clock",
                got=f"the later of them is {new.stamped_at}",
            )
        expect_equal(
            Counter(row["attempt"] for row in rows),
            Counter(new.attempt for _, new in taken),
            f"the attempts that {call} returned",
        )


@asynccontextmanager
async def claim_transaction(
    claims: ClaimFunction,
    table: str,
    tokens: IssuedTokens,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[ClaimTransaction]:
    """Try claims on a connection of its own and take them back; `settings` are the session's."""
    async with claims.worker() as connection:
        role = (await _one(connection, "SELECT current_user AS role"))["role"]
        await connection.execute("RESET ROLE")
        for name, value in (settings or {}).items():
            await connection.execute(f"SET {name} = {value}")
        await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        await connection.execute("BEGIN")
        try:
            yield ClaimTransaction(
                connection=connection, role=role, claims=claims, table=table, tokens=tokens
            )
        finally:
            await connection.execute("ROLLBACK")


def claimed_rows(rows: Iterable[Row]) -> Iterable[Row]:
    """What was claimed: not the row of NULLs that a function of one composite gives for nothing.

    A row that is one JSON document stands for what is in it.
    """
    for row in rows:
        values = list(row.values())
        if all(value is None for value in values):
            continue
        if len(values) == 1 and isinstance(values[0], dict):
            yield values[0]
        elif len(values) == 1 and isinstance(values[0], list):
            yield from values[0]
        else:
            yield row


async def read_exports(
    connection: AsyncConnection[Any], table: str, role: str = ""
) -> dict[str, ExportRow]:
    """Read every export by its id, past the row security of a role that the connection has."""
    if role:
        await connection.execute("RESET ROLE")
    try:
        cursor = await connection.execute(
            "SELECT id::text, organization_id::text, state::text, attempt, claimed_by::text, "  # noqa: S608
            # Python knows no infinite time, which a backend's own rows may well have.
            "CASE WHEN isfinite(created_at) THEN created_at ELSE 'epoch' END AS created_at, "
            f"GREATEST(started_at, heartbeat_at) AS stamped_at FROM {table}"
        )
        return {row["id"]: ExportRow(**row) for row in await cursor.fetchall()}
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
        raise Inconclusive(f"{table} has not what this check reads: {error}") from error


def expect_unchanged(
    before: Mapping[str, ExportRow], after: Mapping[str, ExportRow], ours: set[str], expected: str
) -> None:
    """Fail unless exports other than `ours` stand as they stood, which is what was `expected`."""
    changed = {
        each for each in before.keys() | after.keys() if before.get(each) != after.get(each)
    } - ours
    expect(
        not changed,
        expected=expected,
        got=f"{len(changed)} others changed, such as "
        f"{[(before.get(each), after.get(each)) for each in sorted(changed)[:1]]}",
    )


def _is_new(now: ExportRow, then: ExportRow) -> bool:
    """Whether an export was claimed in between, from whichever state."""
    return now.state == PREPARING and (
        then.state != PREPARING or (now.attempt, now.claimed_by) != (then.attempt, then.claimed_by)
    )


async def _one(connection: AsyncConnection[Any], query: str) -> Row:
    cursor = await connection.execute(query)
    row = await cursor.fetchone()
    assert row is not None
    return dict(row)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
