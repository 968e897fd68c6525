"""Whether exports can really be claimed, found out by claiming one and taking it back."""

from __future__ import annotations

import psycopg

from reference_backend import queries
from reference_backend.database import Pool, service_transaction

PROBE = {"worker": "readiness-probe", "limit": 1, "max_per_org": 1}


class ClaimBrokenError(Exception):
    """The claim function is missing, raises, or claims nothing though there is something."""


async def check_claim_function(pool: Pool) -> None:
    """Claim an export of an organisation made up for it, in a transaction that is rolled back.

    A claim of nothing would prove nothing: functions have failed only once there was an export.
    The probe is the oldest there is, so no other export is touched, and it belongs to nobody, so
    no worker waits for its locks. Raises ClaimBrokenError or DatabaseUnavailable.
    """
    try:
        async with (
            service_transaction(pool) as connection,
            connection.transaction(force_rollback=True),
        ):
            await connection.execute(queries.load("probe_export"))
            cursor = await connection.execute(queries.load("claim"), PROBE)
            claimed = await cursor.fetchone()
    except psycopg.Error as error:
        raise ClaimBrokenError(f"claim_export_job() failed: {error}") from error
    if claimed is None:
        raise ClaimBrokenError("claim_export_job() returned nothing though an export was queued")
