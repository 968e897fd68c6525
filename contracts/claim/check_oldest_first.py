"""The order of claims: the oldest export of all organizations that are below their cap."""

from collections import Counter
from collections.abc import Sequence
from itertools import product

from contracts.claim.changed_queue import SIGN_OF_LIFE
from contracts.claim.claim_transaction import ClaimTransaction, IssuedTokens, claim_transaction
from contracts.claim.done_once import expect_facts_done_once
from contracts.claim.export_batches import wait_in_a_cell
from contracts.claim.export_rows import ExportRow, read_export_rows
from contracts.claim.slow_workers import slow_worker_environment
from contracts.shared.exports.claim_function import ClaimFunction
from harness.check import check
from harness.checkers import (
    claims_are_visible,
    expect_no_violations,
    overtaken,
    read_exports,
)
from harness.client import Organization, together
from harness.errors import Absent, Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.expect import expect_equal
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import ClaimArgument
from harness.target.tables.pace import Pace
from harness.vocabulary.exports import PREPARING

TURNS = "AAABACABDABCDDBCADABCBDADCBC"
"""The organization of each request, in order: one has the oldest, then they are mixed."""

BATCH = 5
NO_CAP = 1000
FEWEST_TURNS = 12
"""So many of the first turns have exports of every organization."""

SLACK = 12
"""How many newer exports may overtake one while workers claim concurrently."""


@check(
    "claim.oldest-first",
    "The oldest export is claimed first",
    checklist="Verify the order of the queue",
    observes=2 * len(TURNS),
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_oldest_first(
    fresh_system: FreshSystem, target: Target, observe: Observations, cells: Cells
) -> None:
    """Claims from a queue of four organizations by direct calls, then lets a worker do the rest.

    Each claim takes the oldest export whose organization is below its cap, also when
    recovery put it back into the queue and when the table holds rows in another order.
    `queue_position` shows the place in the organization's own queue.
    Contract: "one row per call or a batch, oldest first".
    """
    table = ExportTable.of(target)
    if table is None:
        raise Inconclusive("the target file does not name the table of exports: [claim] table")
    async with fresh_system(api_instances=1, workers=0) as own:
        tenants = await own.organizations.several(len(set(TURNS)))
        turns = TURNS[: target.pace.amount(len(TURNS), fewest=FEWEST_TURNS)]
        if missing := len(TURNS) - len(turns):
            observe.excuse(2 * missing, target.pace.reason(len(turns), len(TURNS)))
        accepted = await request_in_turns(tenants, turns)
        async with own.control_database.connect() as connection:
            queued = await read_export_rows(connection, table)
        created = {each.id: each.created_at for each in queued.values()}
        await look_at_queue_positions(tenants, cells)
        await shuffle_pages(own, table, len(turns) // 2)
        reclaimed: set[str] = set()
        if table.claim.function:
            claims = ClaimFunction.of(own.control_database, target)
            await look_at_direct_claims(claims, turns, observe, cells)
            reclaimed |= await abandon_oldest(own, claims, cells)
        else:
            observe.excuse(len(turns), "workers claim in a way of their own: [claim] function")
        await own.system.start("worker", slow_worker_environment(target))
        done = await wait_in_a_cell(cells, accepted, deadline_s=30, case="claims by a worker")
        observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
        transitions = observed.watched()
        async with cells.of(case="claims by a worker", what="each export is done once"):
            expect_no_violations(claims_are_visible(transitions), transitions=transitions)
            ready = [str(export["id"]) for export in done]
            expect_facts_done_once(observed, target, ready, reclaimed=reclaimed)
        async with cells.of(case="claims by a worker", what="the oldest first"):
            cap = target.limits.per_org_in_progress
            found = overtaken(transitions, created, cap=cap, slack=slack_of(target.pace))
            expect_no_violations(found, transitions=transitions)
            observe(len(observed.exports), what="claimed by a worker")


def slack_of(pace: Pace) -> int:
    """How many newer exports may overtake one: no more than are claimed about the same time."""
    return SLACK if pace.export_s is None else min(SLACK, 2 * pace.at_once)


async def look_at_direct_claims(
    claims: ClaimFunction, turns: str, observe: Observations, cells: Cells
) -> None:
    """Look at the order in which calls of the function claim, one by one and in batches."""
    limits = (1, BATCH) if claims.takes("limit") else (1,)
    caps = (NO_CAP, claims.cap) if claims.takes("per_org") else (claims.cap,)
    for limit, most in product(limits, caps):
        how = "one by one" if limit == 1 else "in batches"
        kept = "without a cap" if most == NO_CAP else "with the cap"
        async with (
            cells.of(case=f"direct claims {how}, {kept}"),
            claim_transaction(claims, IssuedTokens()) as one,
        ):
            await expect_in_order(one, limit=limit, cap=most)
            if (limit, most) == (1, caps[0]):
                observe(one.claimed, what="claimed one by one")
    if NO_CAP not in caps:
        claimable = sum(min(each, claims.cap) for each in Counter(turns).values())
        why = "the claim function takes no cap: [claim.arguments] per_org"
        observe.excuse(len(turns) - claimable, why)


async def request_in_turns(tenants: Sequence[Organization], turns: str) -> dict[str, Organization]:
    """Request exports one after the other, each of a new job, in the order of these turns."""
    owners = [tenants[ord(turn) - ord("A")] for turn in turns]
    jobs = await together(owner.new_job() for owner in owners)
    return {
        (await owner.client.new_export(job["id"], owner.client.light_type))["id"]: owner
        for owner, job in zip(owners, jobs, strict=True)
    }


async def look_at_queue_positions(tenants: Sequence[Organization], cells: Cells) -> None:
    """Look whether `queue_position` is each export's place in its organization's queue."""
    for tenant in tenants:
        jobs = await tenant.client.listed("listJobs")
        async with cells.of(operation="listExports", field="queue_position"):
            queued = [
                export
                for exports in await together(
                    tenant.client.listed("listExports", path={"job_id": job["id"]}) for job in jobs
                )
                for export in exports
            ]
            queued.sort(key=lambda export: str(export["created_at"]))
            expect_equal(
                [export["queue_position"] for export in queued],
                list(range(1, len(queued) + 1)),
                "queue_position of each queued export of an organization, oldest first",
                detail=f"organization {tenant.id}",
            )


async def shuffle_pages(own: OwnSystem, table: ExportTable, oldest: int) -> None:
    """Rewrite so many of the oldest rows: the table no longer holds rows in the order of age."""
    state = table.own("state")
    async with own.control_database.connect() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        cursor = await connection.execute(
            f"SELECT {table.id} AS id FROM {table.name} "  # noqa: S608 - quoted
            f"ORDER BY {table.own('created_at')} LIMIT %s".encode(),
            [oldest],
        )
        for row in reversed(await cursor.fetchall()):
            await connection.execute(
                f"UPDATE {table.name} SET {state} = {state} WHERE {table.id} = %s".encode(),  # noqa: S608 - as above
                [row["id"]],
            )


async def expect_in_order(one: ClaimTransaction, *, limit: int, cap: int) -> None:
    """Fail unless claims take the oldest exports of organizations below their cap."""
    queue = sorted((await one.read_rows()).values(), key=lambda each: each.created_at)
    taken: Counter[str] = Counter()
    while due := first_claimable(queue, taken, limit, cap):
        claimed = await one.claim("in order", limit=limit, per_org=cap)
        if not one.claims.takes("limit"):
            due = first_claimable(queue, taken, max(1, len(claimed)), cap)
        due = due[: len(claimed)] or due  # a function may claim one export a call
        expect_equal(
            [(each.id, f"{each.created_at:%H:%M:%S.%f}") for each in claimed],
            [(each.id, f"{each.created_at:%H:%M:%S.%f}") for each in due],
            "exports of a claim (id, created_at)",
            detail=f"p_limit => {limit}, p_max_per_org => {cap}; in progress by organization: "
            f"{dict(taken)}; queued: {len(queue)}",
            rule="export.oldest-first",
            evidence=(_shown_claim(one, claimed, limit=limit, cap=cap),),
        )
        for each in due:
            queue.remove(each)
            taken[each.organization_id] += 1


def _shown_claim(
    one: ClaimTransaction, claimed: Sequence[ExportRow], *, limit: int, cap: int
) -> Evidence:
    given: dict[ClaimArgument, int | str] = {"worker": "in order", "limit": limit, "per_org": cap}
    call = one.claims.call(given).as_string(None)
    rows = (
        {"id": each.id, "organization_id": each.organization_id, "created_at": each.created_at}
        for each in claimed
    )
    return query_evidence("what a claim took", f"SELECT * FROM {call}", rows)  # noqa: S608


def first_claimable(
    queue: Sequence[ExportRow], taken: Counter[str], limit: int, cap: int
) -> list[ExportRow]:
    """The oldest exports of organizations below their cap; those found count toward it."""
    found: list[ExportRow] = []
    counted = Counter(taken)
    for each in queue:
        if len(found) < limit and counted[each.organization_id] < cap:
            counted[each.organization_id] += 1
            found.append(each)
    return found


async def abandon_oldest(own: OwnSystem, claims: ClaimFunction, cells: Cells) -> set[str]:
    """Claim the oldest for a worker whose last heartbeat is an hour ago; return what it took.

    Nothing where the table keeps no sign of life by which recovery would find it.
    """
    table = claims.table
    abandoned: set[str] = set()
    async with cells.of(case="an export that recovery put back into the queue"):
        if not (older := table.made_older("1 hour")):
            raise Absent(SIGN_OF_LIFE, "[claim.columns]")
        async with claims.worker() as connection:
            await claims.claim(connection, "silent", 1)
        silent = await own.control_database.fetch(
            f"UPDATE {table.name} AS e SET {older} "  # noqa: S608 - quoted
            f"WHERE {table.is_in(PREPARING, 'e')} RETURNING {table.id}::text AS id"
        )
        abandoned |= {str(each["id"]) for each in silent}
    return abandoned
