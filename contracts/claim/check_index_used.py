"""What a claim costs: it depends on what is queued, not on all that was ever done."""

from contracts.claim.bulk_insert import copy_export
from contracts.claim.claim_transaction import claimed_rows
from contracts.claim.export_batches import request_exports
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.client import together
from harness.errors import Inconclusive
from harness.expect import expect, expect_status
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

FINISHED = 12_000
"""Exports that are over: a year of a small customer, and few enough to be inserted in a moment."""

STRANGERS = 150
"""Organizations among which they are dealt out, ours included."""

MOST_READ = FINISHED // 8
"""A claim may look at everything that is queued or in progress, and at all of an organization's
own history, several times over. It may not look at the history of all."""

_READ = """
WITH tables AS (
    SELECT %(table)s::regclass::oid AS relid
    UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass
), relations AS (
    SELECT relid FROM tables
    UNION ALL SELECT i.indexrelid FROM tables AS t JOIN pg_index AS i ON i.indrelid = t.relid
)
SELECT sum(pg_stat_get_xact_tuples_returned(relid)) AS read FROM relations
"""
"""The rows that the transaction has read so far, in scans of the table and of its indexes."""


@check(
    "claim.index-used",
    "A claim reads what is queued and in progress, however many exports are over",
    checklist="Verify that claiming stays fast as the table grows",
    observes=3,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_index_used(
    fresh_system: FreshSystem, target: Target, observe: Observations
) -> None:
    claim = declared_claim(target)
    cap = target.limits.per_org_in_progress
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction(database=own.control_database, function=claim.function, cap=cap)
        await fill(own, claim.table)
        for limit, when in (
            (1, "of a queue that nobody claimed from"),
            (4, "of several at once"),
            (2, "beside others in progress"),
        ):
            read = await rows_read(claims, claim.table, limit)
            expect(
                read <= MOST_READ,
                expected=f"a claim ({when}) to read what is queued and in progress, at most "
                f"{MOST_READ} rows, with {FINISHED} exports that are over",
                got=f"{read} rows of {claim.table} or its indexes read by "
                f"{claims.function}(…, p_limit => {limit})",
            )
            observe(what="claims whose reading was counted")


async def fill(own: OwnSystem, table: str) -> None:
    """Queue some exports, and put all those behind them that are over."""
    tenants = await own.organizations.several(STRANGERS)
    [(over, owner), *_] = (await request_exports(tenants[:2], jobs_each=1)).items()
    expect_status(await owner.client.call("cancelExport", path={"export_id": over}), 202)
    await together(request_exports([tenant], jobs_each=2) for tenant in tenants[:5])
    await copy_export(
        own.control_database,
        table,
        over,
        count=FINISHED,
        organizations=[tenant.id for tenant in tenants],
        later_us=-1_000_000,
    )
    await own.control_database.fetch(f"ANALYZE {table}")


async def rows_read(claims: ClaimFunction, table: str, limit: int) -> int:
    """Claim, and say how many rows of the table or its indexes were read for that."""
    async with claims.worker() as connection:
        await connection.execute("BEGIN")
        cursor = await connection.execute(
            f"SELECT * FROM {claims.function}("  # noqa: S608 - from the target file
            "p_worker => 'counted', p_limit => %s, p_max_per_org => %s)",
            [limit, claims.cap],
        )
        claimed = list(claimed_rows(await cursor.fetchall()))
        await connection.execute("RESET ROLE")
        cursor = await connection.execute(_READ, {"table": table})
        row = await cursor.fetchone()
        await connection.execute("COMMIT")
    if not claimed or row is None:
        raise Inconclusive("nothing was claimed: what that would have read cannot be known")
    return int(row["read"])
