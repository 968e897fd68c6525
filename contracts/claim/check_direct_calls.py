"""Direct calls of the claim function, each in a transaction that is rolled back."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from psycopg import sql

from contracts.claim.claim_transaction import ClaimTransaction, IssuedTokens, claim_transaction
from contracts.claim.export_batches import request_exports
from contracts.claim.export_rows import read_export_rows
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.client import Organization
from harness.database import Database
from harness.errors import Absent, Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.table_columns import table_columns
from harness.target import Capability, Target
from harness.target.sql.claim_call import shown_call
from harness.target.tables.claim import ClaimArgument
from harness.vocabulary.exports import QUEUED

DEFAULT_CAP = 3
"""`p_max_per_org int DEFAULT 3` in the contract, also where the target's workers pass another."""

NO_CAP = 1000
"""A value of `p_max_per_org` that is never reached here."""

LOCKED_CLAIMS = 3
"""Claims beside locked exports; they may all be of one organization."""

LIMITS = (1, 3, 10)
JOBS_EACH = 6

_OFF = ("hashagg", "hashjoin", "mergejoin", "material", "memoize", "sort")
PLANNERS: Mapping[str, Mapping[str, str]] = {
    "the planner's own choice": {},
    "nested loops that run their inner side again": {f"enable_{each}": "off" for each in _OFF},
    "nested loops over indexes": {f"enable_{each}": "off" for each in (*_OFF, "seqscan")},
    "generic plans, no index": {
        "plan_cache_mode": "force_generic_plan",
        **{f"enable_{each}": "off" for each in ("indexscan", "indexonlyscan", "bitmapscan")},
    },
}
"""A limit must hold under every query plan: plans change with the statistics of a table."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One way to call the claim function."""

    given: Mapping[ClaimArgument, int]
    """The numbers, in the order they are passed."""
    by_position: bool = False
    worker_last: bool = False

    def arguments(self, worker: str) -> dict[ClaimArgument, int | str]:
        """All that is passed, in order."""
        first: dict[ClaimArgument, int | str] = {"worker": worker}
        return {**self.given, **first} if self.worker_last else {**first, **self.given}

    @property
    def case(self) -> str:
        """What a cell says of it, in the contract's words."""
        shown = shown_call(self.arguments("{worker}"), by_position=self.by_position)
        return f"called with {shown}"


CALLS = (
    Call(given={}, by_position=True),
    Call(given={}),
    Call(given={"limit": 2}, by_position=True),
    Call(given={"per_org": 2}),
    Call(given={"limit": 2, "per_org": 2}, by_position=True),
    Call(given={"per_org": 3, "limit": 3}, worker_last=True),
)
"""Arguments by position and by name. An old overload that still answers to one of them would
claim by old rules."""

OWN_CALLS = (
    Call(given={"limit": 1, "per_org": 3}),
    Call(given={"limit": 2, "per_org": 2}),
    Call(given={"per_org": 3, "limit": 3}, worker_last=True),
)
"""The same of a function with arguments of its own names, of which only these are known."""


@check(
    "claim.direct-calls",
    "A claim keeps its limit and gets a new token",
    checklist="Verify concurrent claiming is duplicate-free",
    observes=27,  # for a function that returns one row a call, whatever the limit
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_direct_calls(
    fresh_system: FreshSystem, target: Target, observe: Observations, cells: Cells
) -> None:
    """Calls the claim function with many arguments and query plans, and rolls each call back.

    A call claims at most `p_limit` exports, changes no other export, and returns one row for
    each. Every claim sets `claimed_by` and the time, raises `attempt` by one and returns a token
    that was never issued before. Locked exports are skipped (`FOR UPDATE SKIP LOCKED`).
    Contract: "Claim" in the section on exports.
    """
    claim, tokens = declared_claim(target), IssuedTokens()
    calls = OWN_CALLS if claim.has_own_arguments else CALLS
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction.of(own.control_database, target)
        begin = partial(claim_transaction, claims, tokens)
        excuse_others(claims, calls, observe)
        async with cells.of(case="an empty queue"), begin() as one:
            await one.claim("empty queue", most=0)
        tenants = await own.organizations.several(2)
        await request_exports(tenants, jobs_each=JOBS_EACH)
        await cancel_one(tenants[0])
        async with own.control_database.connect() as connection:
            before = await read_export_rows(connection, claims.table)

        await look_at_plans(claims, begin, observe, cells)
        for call in calls:
            async with cells.of(case=call.case), begin() as one:
                await one.claim_as(
                    call.arguments("wörker o'clock"),
                    by_position=call.by_position,
                    most=most_of(call),
                )
                expect_claimed_some(one, call.case)
                observe(one.claimed, what="claimed by other ways to call")
        if not claim.has_own_arguments:
            async with cells.of(case="called by default"), begin() as one:
                await expect_default_arguments(one)
                observe(one.claimed, what="claimed by defaults")
        async with cells.of(case="an export that is claimed again"), begin() as one:
            await expect_attempt_rises(one)
        async with cells.of(case="beside locked exports"), begin() as one:
            await expect_locked_skipped(one, claims.database)
            observe(one.claimed, what="claimed beside locked exports")

        async with own.control_database.connect() as connection:
            after = await read_export_rows(connection, claims.table)
        async with cells.of(case="every claim was rolled back"):
            expect_equal(after, before, "rows of all exports after every claim was rolled back")
    async with cells.of(what="claim tokens are new"):
        if claim.result.claim_token == "":
            raise Absent("claim_token of a claim", "[claim.result]")
        if tokens.missing:
            raise Inconclusive(
                f"{tokens.missing} claims returned no claim token: this check cannot see whether "
                "tokens are unique; name the column in [claim.result] claim_token"
            )


def most_of(call: Call) -> int:
    """How many exports a call allows: the contract's function claims one by default."""
    return call.given.get("limit", 1)


def limits_of(claims: ClaimFunction) -> tuple[int, ...]:
    """The limits to try; of a function without one it is the same call each time."""
    return LIMITS if claims.takes("limit") else (1,)


def excuse_others(claims: ClaimFunction, calls: Sequence[Call], observe: Observations) -> None:
    """Ask for fewer observations where the function has fewer ways to be called."""
    if not claims.declared.has_own_arguments:
        return
    plans = len(PLANNERS) * (len(LIMITS) - len(limits_of(claims)))
    why = "the claim function has arguments of its own: [claim.arguments]"
    observe.excuse(plans + len(CALLS) - len(calls) + 2 * DEFAULT_CAP, why)


async def look_at_plans(
    claims: ClaimFunction,
    begin: Callable[..., AbstractAsyncContextManager[ClaimTransaction]],
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether a claim keeps its limit under every query plan."""
    for planner, settings in PLANNERS.items():
        for limit in limits_of(claims):
            async with cells.of(case=planner, limit=limit), begin(settings) as one:
                await one.claim(f"limit {limit}, {planner}", limit=limit, per_org=NO_CAP)
                expect_claimed_some(one, f"p_limit => {limit}, with {planner}")
                observe(one.claimed, what="claimed under forced plans")


async def cancel_one(tenant: Organization) -> None:
    """Put a canceled export into the table, which no call may claim."""
    [canceled] = await request_exports(
        [tenant], jobs_each=1, export_types=(tenant.client.light_type,)
    )
    answer = await tenant.client.call("cancelExport", path={"export_id": canceled})
    expect_status(answer, 202, rule="golden.export-download")


def expect_claimed_some(one: ClaimTransaction, arguments: str) -> None:
    """Fail when nothing was claimed from a long queue."""
    expect(
        one.claimed,
        expected="at least one export from a claim, with many queued and no other client claiming",
        got="none",
        detail=f"{one.declared.function}: {arguments}",
    )


async def expect_default_arguments(one: ClaimTransaction) -> None:
    """Fail unless a claim without numbers takes one export a call and three per organization."""
    taken: list[str] = []
    for number in range(4 * JOBS_EACH):
        claimed = await one.claim(f"by default {number}")
        if not claimed:
            break
        taken += [row.organization_id for row in claimed]
    organizations = {row.organization_id for row in (await one.read_rows()).values()}
    expect_equal(
        Counter(taken),
        Counter(dict.fromkeys(organizations, DEFAULT_CAP)),
        "number of exports in progress by organization, after claims with default arguments",
    )


async def expect_attempt_rises(one: ClaimTransaction) -> None:
    """Fail unless an export that is claimed again has one attempt more and another token."""
    first = ""
    for attempt in (1, 2, 3):
        claimed = await one.claim(f"attempt {attempt}", limit=1, per_org=NO_CAP)
        first = first or claimed[0].id
        if [row.id for row in claimed] != [first]:
            return  # another export: this backend keeps more about a queued export than we reset
        await queue_again(one, first)


async def queue_again(one: ClaimTransaction, export_id: str) -> None:
    """Reset a claimed export as recovery does, and make it the oldest of the queue."""
    table = one.claims.table
    ended = table.needed("claimed_by", "claim_token", "heartbeat_at", "started_at")
    emptied = [
        f"{sql.Identifier(column.name).as_string(None)} = NULL"
        for column in await table_columns(one.connection, table.name)
        if column.is_nullable and (column.name in ended or "token" in column.name)
    ]
    created_at = table.own("created_at")
    changes = [
        table.becomes(QUEUED),
        *emptied,
        f"{created_at} = {created_at} - interval '1 day'",
    ]
    await one.connection.execute(
        f"UPDATE {table.name} SET {', '.join(changes)} WHERE {table.id}::text = %s".encode(),  # noqa: S608 - quoted
        [export_id],
    )


async def expect_locked_skipped(one: ClaimTransaction, database: Database) -> None:
    """Fail unless a claim skips exports that another transaction has locked, without waiting.

    Locks the oldest export first, then the oldest of each organization, then every export of all
    organizations but one.
    """
    table = one.claims.table
    if not one.claims.takes("per_org") and one.claims.cap < LOCKED_CLAIMS:
        raise Inconclusive(f"this takes {LOCKED_CLAIMS} claims, more than an organization may have")
    queue = sorted(
        (row for row in (await one.read_rows()).values() if row.state == QUEUED),
        key=lambda row: row.created_at,
    )
    heads = {row.organization_id: row.id for row in reversed(queue)}
    last = queue[-1].organization_id
    others = {row.id for row in queue if row.organization_id != last}
    for wanted in ({queue[0].id}, set(heads.values()), others):
        async with database.connect() as other, other.transaction(force_rollback=True):
            # SKIP LOCKED: earlier claims of this transaction hold some of them.
            cursor = await other.execute(
                f"SELECT {table.id}::text AS id FROM {table.name} "  # noqa: S608 - quoted
                f"WHERE {table.id}::text = ANY (%s) FOR UPDATE SKIP LOCKED".encode(),
                [sorted(wanted)],
            )
            locked = {row["id"] for row in await cursor.fetchall()}
            claimed = await one.claim("skips", limit=1, per_org=NO_CAP)
            expect(
                claimed and not locked & {row.id for row in claimed},
                expected="an export that is not locked from a claim",
                got=f"{[row.id for row in claimed]}",
                detail=f"{len(locked)} of {len(queue)} queued exports were locked",
            )
