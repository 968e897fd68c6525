"""The cost of a claim: the number of rows it reads, with a long history of finished exports."""

from contracts.claim.bulk_insert import copy_export
from contracts.claim.export_batches import request_exports
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.client import together
from harness.errors import Inconclusive
from harness.evidence import query_evidence
from harness.expect import expect, expect_status
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable

FINISHED = 12_000
"""Finished exports: a year of a small customer, and few enough to insert quickly."""

ORGANIZATIONS = 150
"""Organizations that the finished exports are spread over."""

MOST_READ = FINISHED // 8
"""Enough to read everything queued or in progress, and the whole history of one organization,
several times. Not enough to read the history of all organizations."""

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
"""The rows that the transaction has read so far from the table and its indexes."""


@check(
    "claim.index-used",
    "Claim cost is independent of finished exports",
    checklist="Verify that claiming stays fast as the table grows",
    observes=3,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_index_used(
    fresh_system: FreshSystem, target: Target, observe: Observations, cells: Cells
) -> None:
    """Claims beside 12,000 finished exports, and counts the rows that each claim reads.

    A claim reads rows that are queued or in progress, by an index, and not the whole history.
    """
    declared_claim(target)
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction.of(own.control_database, target)
        await fill(own, claims.table)
        for limit, when in (
            (1, "first of its queue"),
            (4, "several exports"),
            (2, "with others in progress"),
        ):
            async with cells.of(case=when):
                read = await rows_read(claims, limit)
                call = claims.call({"worker": "counted", "limit": limit}).as_string(None)
                expect(
                    read <= MOST_READ,
                    expected=f"at most {MOST_READ} rows read by a claim, of the exports' table and "
                    f"its indexes, with {FINISHED} finished ones",
                    got=f"{read} rows; is there an index that this claim can use?",
                    detail=f"{call}, {when}: rows of {claims.table.claim.table}",
                    evidence=(
                        query_evidence("a claim", f"SELECT * FROM {call}", [{"read": read}]),  # noqa: S608
                    ),
                )
                observe(what="claims whose reading was counted")


async def fill(own: OwnSystem, table: ExportTable) -> None:
    """Queue some exports, and insert many older ones that are finished."""
    tenants = await own.organizations.several(ORGANIZATIONS)
    [(finished, owner), *_] = (await request_exports(tenants[:2], jobs_each=1)).items()
    expect_status(await owner.client.call("cancelExport", path={"export_id": finished}), 202)
    await together(request_exports([tenant], jobs_each=2) for tenant in tenants[:5])
    await copy_export(
        own.control_database,
        table,
        finished,
        count=FINISHED,
        organizations=[tenant.id for tenant in tenants],
        later_us=-1_000_000,
    )
    await own.control_database.fetch(f"ANALYZE {table.name}")


async def rows_read(claims: ClaimFunction, limit: int) -> int:
    """Claim, and return how many rows of the table and its indexes were read for it."""
    async with claims.worker() as connection, connection.transaction():
        claimed = await claims.claim(connection, "counted", limit)
        await connection.execute("RESET ROLE")
        cursor = await connection.execute(_READ, {"table": claims.table.name})
        [row] = await cursor.fetchall()
    if not claimed:
        raise Inconclusive("nothing was claimed, so there is no claim whose cost could be read")
    return int(row["read"])
