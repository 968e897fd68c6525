"""Direct calls of the claim function, each in a transaction that is rolled back."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial

from contracts.claim.claim_transaction import ClaimTransaction, IssuedTokens, claim_transaction
from contracts.claim.export_batches import request_exports
from contracts.claim.export_rows import read_export_rows
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.client import Organization
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

DEFAULT_CAP = 3
"""`p_max_per_org int DEFAULT 3` in the contract, also where the target's workers pass another."""

NO_CAP = 1000
"""A value of `p_max_per_org` that is never reached here."""

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

ARGUMENTS: Mapping[str, int] = {
    "{worker}": 1,
    "p_worker => {worker}": 1,
    "{worker}, 2": 2,
    "p_worker => {worker}, p_max_per_org => 2": 1,
    "{worker}, 2, 2": 2,
    "p_max_per_org => 3, p_limit => 3, p_worker => {worker}": 3,
}
"""Arguments by position and by name, with the limit that each means. An old overload that still
answers to one of them would claim by old rules."""


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
    claim = declared_claim(target)
    table, tokens = claim.table, IssuedTokens()
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction.of(own.control_database, target)
        begin = partial(claim_transaction, claims, table, tokens)
        async with cells.of(case="an empty queue"), begin() as one:
            await one.claim("{worker}", worker="empty queue", limit=0)
        tenants = await own.organizations.several(2)
        await request_exports(tenants, jobs_each=JOBS_EACH)
        await cancel_one(tenants[0])
        async with own.control_database.connect() as connection:
            before = await read_export_rows(connection, table)

        await look_at_plans(begin, observe, cells)
        for arguments, limit in ARGUMENTS.items():
            async with cells.of(case=f"called with {arguments}"), begin() as one:
                await one.claim(arguments, worker="wörker o'clock", limit=limit)
                expect_claimed_some(one, arguments)
                observe(one.claimed, what="claimed by other ways to call")
        async with cells.of(case="called by default"), begin() as one:
            await expect_default_arguments(one)
            observe(one.claimed, what="claimed by defaults")
        async with cells.of(case="an export that is claimed again"), begin() as one:
            await expect_attempt_rises(one)
        async with cells.of(case="beside locked exports"), begin() as one:
            await expect_locked_skipped(one, claims.database)
            observe(one.claimed, what="claimed beside locked exports")

        async with own.control_database.connect() as connection:
            after = await read_export_rows(connection, table)
        async with cells.of(case="every claim was rolled back"):
            expect_equal(after, before, "rows of all exports after every claim was rolled back")
    if tokens.missing:
        raise Inconclusive(
            f"{tokens.missing} claims returned no column with 'token' in its name: this check "
            "cannot see whether tokens are unique"
        )


async def look_at_plans(
    begin: Callable[..., AbstractAsyncContextManager[ClaimTransaction]],
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether a claim keeps its limit under every query plan."""
    for planner, settings in PLANNERS.items():
        for limit in LIMITS:
            arguments = f"{{worker}}, p_limit => {limit}, p_max_per_org => {NO_CAP}"
            async with cells.of(case=planner, limit=limit), begin(settings) as one:
                await one.claim(arguments, worker=f"limit {limit}, {planner}", limit=limit)
                expect_claimed_some(one, f"{arguments}, with {planner}")
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
        detail=f"{one.function}({arguments})",
    )


async def expect_default_arguments(one: ClaimTransaction) -> None:
    """Fail unless a claim without numbers takes one export a call and three per organization."""
    taken: list[str] = []
    for number in range(4 * JOBS_EACH):
        claimed = await one.claim("p_worker => {worker}", worker=f"by default {number}", limit=1)
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
    for attempt in (1, 2, 3):
        claimed = await one.claim(f"{{worker}}, 1, {NO_CAP}", worker=f"attempt {attempt}", limit=1)
        if attempt > 1 and [row.attempt for row in claimed] != [attempt]:
            return  # another export: this backend keeps more about a queued export than we reset
        await queue_again(one, claimed[0].id)


async def queue_again(one: ClaimTransaction, export_id: str) -> None:
    """Reset a claimed export as recovery does, and make it the oldest of the queue."""
    columns = await one.connection.execute(
        "SELECT attname AS name FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped AND NOT attnotnull AND (attname LIKE '%%token%%' "
        "OR attname IN ('claimed_by', 'heartbeat_at', 'started_at'))",
        [one.table],
    )
    emptied = ", ".join(f'"{row["name"]}" = NULL' for row in await columns.fetchall())
    await one.connection.execute(
        f"UPDATE {one.table} SET state = 'queued', {emptied}, "  # noqa: S608 - names from the catalog
        "created_at = created_at - interval '1 day' WHERE id::text = %s",
        [export_id],
    )


async def expect_locked_skipped(one: ClaimTransaction, database: Database) -> None:
    """Fail unless a claim skips exports that another transaction has locked, without waiting.

    Locks the oldest export first, then the oldest of each organization, then every export of all
    organizations but one.
    """
    queue = sorted(
        (row for row in (await one.read_rows()).values() if row.state == "queued"),
        key=lambda row: row.created_at,
    )
    heads = {row.organization_id: row.id for row in reversed(queue)}
    last = queue[-1].organization_id
    others = {row.id for row in queue if row.organization_id != last}
    for wanted in ({queue[0].id}, set(heads.values()), others):
        async with database.connect() as other, other.transaction(force_rollback=True):
            # SKIP LOCKED: earlier claims of this transaction hold some of them.
            cursor = await other.execute(
                f"SELECT id::text FROM {one.table} WHERE id::text = ANY (%s) "  # noqa: S608
                "FOR UPDATE SKIP LOCKED",
                [sorted(wanted)],
            )
            locked = {row["id"] for row in await cursor.fetchall()}
            claimed = await one.claim(f"{{worker}}, 1, {NO_CAP}", worker="skips", limit=1)
            expect(
                claimed and not locked & {row.id for row in claimed},
                expected="an export that is not locked from a claim",
                got=f"{[row.id for row in claimed]}",
                detail=f"{len(locked)} of {len(queue)} queued exports were locked",
            )
