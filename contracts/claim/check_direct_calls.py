"""The claim function as its signature promises it, called directly and always taken back."""

from collections import Counter
from collections.abc import Mapping

from contracts.claim.claim_transaction import (
    ClaimTransaction,
    IssuedTokens,
    claim_transaction,
    read_exports,
)
from contracts.claim.export_batches import request_exports
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.client import Organization
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

DEFAULT_CAP = 3
"""`p_max_per_org int DEFAULT 3`, whatever the workers of this target ask for."""

UNBOUND = 1000
"""A cap that binds nobody here."""

LIMITS = (1, 3, 10)
JOBS_EACH = 6

_OFF = ("hashagg", "hashjoin", "mergejoin", "material", "memoize", "sort")
PLANNERS: Mapping[str, Mapping[str, str]] = {
    "the planner's own choice": {},
    "nested loops that run their inside again": {f"enable_{each}": "off" for each in _OFF},
    "nested loops over indexes": {f"enable_{each}": "off" for each in (*_OFF, "seqscan")},
    "generic plans, no index": {
        "plan_cache_mode": "force_generic_plan",
        **{f"enable_{each}": "off" for each in ("indexscan", "indexonlyscan", "bitmapscan")},
    },
}
"""A limit holds whatever plan is chosen: statistics change, and so do plans."""


@check(
    "claim.direct-calls",
    "A claim takes no more than was asked for, and each one has an attempt, an owner and a token "
    "of its own",
    checklist="Verify concurrent claiming is duplicate-free",
    observes=27,  # for a function that gives one row a call, whatever the limit
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_direct_calls(
    fresh_system: FreshSystem, target: Target, observe: Observations
) -> None:
    claim = declared_claim(target)
    table, tokens = claim.table, IssuedTokens()
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction(
            database=own.control_database, function=claim.function, cap=DEFAULT_CAP
        )
        async with claim_transaction(claims, table, tokens) as nothing:
            await nothing.claim("{worker}", worker="nothing to do", limit=0)
        tenants = await own.organizations.several(2)
        await request_exports(tenants, jobs_each=JOBS_EACH)
        await cancel_one(tenants[0])
        async with own.control_database.connect() as connection:
            before = await read_exports(connection, table)

        for planner, settings in PLANNERS.items():
            for limit in LIMITS:
                async with claim_transaction(claims, table, tokens, settings) as one:
                    await one.claim(
                        f"{{worker}}, p_limit => {limit}, p_max_per_org => {UNBOUND}",
                        worker=f"limit {limit}, {planner}",
                        limit=limit,
                    )
                    expect_something(one, f"p_limit => {limit} with {planner}")
                    observe(one.claimed, what="claimed under forced plans")
        for arguments, limit in WAYS_TO_CALL.items():
            async with claim_transaction(claims, table, tokens) as one:
                await one.claim(arguments, worker="wörker o'clock", limit=limit)
                expect_something(one, arguments)
                observe(one.claimed, what="claimed by other ways to call")
        async with claim_transaction(claims, table, tokens) as one:
            await expect_the_defaults(one)
            observe(one.claimed, what="claimed by defaults")
        async with claim_transaction(claims, table, tokens) as one:
            await expect_one_more_attempt(one)
        async with claim_transaction(claims, table, tokens) as one:
            await expect_locked_are_skipped(one)
            observe(one.claimed, what="claimed beside locked exports")

        async with own.control_database.connect() as connection:
            expect_equal(await read_exports(connection, table), before, "what was rolled back")
    if tokens.unnamed:
        raise Inconclusive(
            f"{tokens.unnamed} claims came back without a column that is called something with "
            "token: whether tokens are unique cannot be known"
        )


WAYS_TO_CALL: Mapping[str, int] = {
    "{worker}": 1,
    "p_worker => {worker}": 1,
    "{worker}, 2": 2,
    "p_worker => {worker}, p_max_per_org => 2": 1,
    "{worker}, 2, 2": 2,
    "p_max_per_org => 3, p_limit => 3, p_worker => {worker}": 3,
}
"""By position, by name and with what each leaves out, and the limit that each means: an older
overload that still answers to one of them claims without what was added since."""


async def cancel_one(tenant: Organization) -> None:
    """Put an export into the table that nobody may claim."""
    [canceled] = await request_exports([tenant], jobs_each=1, export_types=("ledger",))
    answer = await tenant.client.call("cancelExport", path={"export_id": canceled})
    expect_status(answer, 202)


def expect_something(one: ClaimTransaction, how: str) -> None:
    """Fail unless a claim of a queue that is long enough took at least one export."""
    expect(
        one.claimed,
        expected=f"an export from a claim ({how}) while many are queued and nobody else claims",
        got="none",
    )


async def expect_the_defaults(one: ClaimTransaction) -> None:
    """Fail unless a claim without numbers takes one export at a time, and three of each tenant."""
    taken: list[str] = []
    for number in range(4 * JOBS_EACH):
        found = await one.claim("p_worker => {worker}", worker=f"by default {number}", limit=1)
        if not found:
            break
        taken += [each.organization_id for each in found]
    organizations = {each.organization_id for each in (await one.read_exports()).values()}
    expect_equal(
        Counter(taken),
        Counter(dict.fromkeys(organizations, DEFAULT_CAP)),
        "the exports in progress of each organization after claims with default arguments",
    )


async def expect_one_more_attempt(one: ClaimTransaction) -> None:
    """Fail unless an export that is claimed again counts one attempt more, with another token."""
    claim = f"{{worker}}, 1, {UNBOUND}"
    for attempt in (1, 2, 3):
        taken = await one.claim(claim, worker=f"attempt {attempt}", limit=1)
        if attempt > 1 and [each.attempt for each in taken] != [attempt]:
            return  # not that one: there is more to putting it back than its state, as is allowed
        await put_back(one, taken[0].id)


async def put_back(one: ClaimTransaction, export_id: str) -> None:
    """Queue an export again, as recovery leaves it: nobody's, and the oldest there is."""
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


async def expect_locked_are_skipped(one: ClaimTransaction) -> None:
    """Fail unless a claim passes exports that another transaction has locked, without waiting.

    First the head of the queue, then all but one organization, as a long cancellation or a
    backup's lock would hold them.
    """
    queue = sorted(
        (each for each in (await one.read_exports()).values() if each.state == "queued"),
        key=lambda each: each.created_at,
    )
    heads = {each.organization_id: each.id for each in reversed(queue)}
    last = queue[-1].organization_id
    lanes = {each.id for each in queue if each.organization_id != last}
    for wanted in ({queue[0].id}, set(heads.values()), lanes):
        async with one.claims.database.connect() as other:
            await other.execute("BEGIN")
            # But for what the claims before this one hold.
            cursor = await other.execute(
                f"SELECT id::text FROM {one.table} WHERE id::text = ANY (%s) "  # noqa: S608
                "FOR UPDATE SKIP LOCKED",
                [sorted(wanted)],
            )
            locked = {row["id"] for row in await cursor.fetchall()}
            taken = await one.claim(f"{{worker}}, 1, {UNBOUND}", worker="passes by", limit=1)
            expect(
                taken and not locked & {each.id for each in taken},
                expected=f"another export while {len(locked)} of {len(queue)} are locked",
                got=f"{[each.id for each in taken]}",
            )
            await other.execute("ROLLBACK")
