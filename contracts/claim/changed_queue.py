"""Queues that a check changes in the table: a long backlog, silent workers, nothing queued."""

import psycopg

from contracts.claim.bulk_insert import copy_export
from contracts.shared.exports.claim_function import ClaimFunction
from contracts.shared.resources.past_triggers import past_triggers
from harness.client import Organization
from harness.errors import Absent, Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target.sql.export_table import ExportTable
from harness.vocabulary.exports import CANCELED, PREPARING

BATCH = 50
"""A `p_limit` larger than any cap here."""

SIGN_OF_LIFE = "the time of a worker's last sign of life (heartbeat_at, started_at, lease_until)"

BACKLOG = 400
"""Exports of one organization that are older than those of all others."""


async def insert_backlog(own: OwnSystem, table: ExportTable, tenant: Organization) -> None:
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


async def claim_beside_silent_ones(own: OwnSystem, claims: ClaimFunction) -> int:
    """Claim while the last sign of life of each export in progress is an hour old; give how many.

    A claim may take silent exports back itself, and claim them or others then. `Absent` where the
    table keeps no sign of life.
    """
    table = claims.table
    if not (older := table.made_older("1 hour")):
        raise Absent(SIGN_OF_LIFE, "[claim.columns]")
    async with own.control_database.connect() as connection:
        async with past_triggers(connection, table.name):
            done = await connection.execute(
                f"UPDATE {table.name} AS e SET {older} "  # noqa: S608 - names from the target file
                f"WHERE {table.is_in(PREPARING, 'e')}".encode()
            )
        if done.rowcount == 0:
            raise Inconclusive("no export was in progress, so none could miss its heartbeats")
    async with claims.worker() as connection:
        return sum([await claims.claim(connection, "direct-late", each) for each in (1, BATCH)])


async def empty_queue(own: OwnSystem, table: ExportTable) -> None:
    """Cancel every export, so that workers find only those requested from now on.

    `Inconclusive` where the table refuses it.
    """
    ended = f", {table.own('claim_token')} = NULL" if table.has("claim_token") else ""
    try:
        async with own.control_database.connect() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                f"UPDATE {table.name} SET {table.becomes(CANCELED)}{ended}".encode()  # noqa: S608 - quoted
            )
    except psycopg.errors.IntegrityError as error:
        raise Inconclusive(f"cannot cancel exports in {table.claim.table}: {error}") from error
