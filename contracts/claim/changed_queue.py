"""Queues that a check changes in the table: a long backlog, silent workers, nothing queued."""

from psycopg import sql

from contracts.claim.bulk_insert import copy_export
from contracts.shared.exports.claim_function import ClaimFunction
from contracts.shared.resources.past_triggers import past_triggers
from harness.client import Organization
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Target
from harness.target.export_table import ExportTable
from harness.vocabulary.exports import PREPARING

BATCH = 50
"""A `p_limit` larger than any cap here."""

BACKLOG = 400
"""Exports of one organization that are older than those of all others."""


async def insert_backlog(own: OwnSystem, table: str, tenant: Organization) -> None:
    """Queue hundreds of exports of one organization that are older than those of all others."""
    [job, *_] = await tenant.client.listed("listJobs")
    [export, *_] = await tenant.client.listed("listExports", path={"job_id": job["id"]})
    await copy_export(
        own.control_database,
        table,
        export["id"],
        count=BACKLOG,
        organizations=[tenant.id],
        later_us=1,
    )


async def claim_beside_silent_ones(own: OwnSystem, target: Target, claims: ClaimFunction) -> int:
    """Claim while the last sign of life of each export in progress is an hour old; give how many.

    A claim may take silent exports back itself, and claim them or others then.
    """
    table = ExportTable.of(target)
    assert table is not None, "there is no claim function without the table of [claim]"
    stamps = [
        sql.Identifier(name).as_string()
        for name in sorted(table.needed("heartbeat_at") | table.needed("started_at"))
    ]
    aged = ", ".join(f"{stamp} = {stamp} - interval '1 hour'" for stamp in stamps)
    async with own.control_database.connect() as connection:
        async with past_triggers(connection, claims.table):
            done = await connection.execute(
                f"UPDATE {claims.table} AS e SET {aged} "  # noqa: S608 - names from the target file
                f"WHERE {table.shown('state', 'e')} = '{PREPARING}'".encode()
            )
        if done.rowcount == 0:
            raise Inconclusive("no export was in progress that could be silent")
    async with claims.worker() as connection:
        return sum([await claims.claim(connection, "direct-late", each) for each in (1, BATCH)])


async def empty_queue(own: OwnSystem, table: str) -> None:
    """Cancel every export, so that workers find only those requested from now on."""
    async with own.control_database.connect() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(f"UPDATE {table} SET state = 'canceled'")  # noqa: S608
