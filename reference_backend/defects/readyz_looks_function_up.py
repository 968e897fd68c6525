"""Readiness checks in the catalog that the claim function exists."""

import psycopg

from reference_backend.api import health
from reference_backend.api.context import Services
from reference_backend.api.problems import Problem
from reference_backend.database import service_transaction
from reference_backend.defects import Defect


async def _probe_claim(shared: Services) -> None:
    async with service_transaction(shared.pool) as connection:
        try:
            await connection.execute("SELECT 'claim_export_job(text, int, int)'::regprocedure")
        except psycopg.errors.UndefinedFunction as error:
            raise Problem("claim_unavailable", "Exports cannot be claimed right now.") from error


def _patch() -> None:
    health.probe_claim = _probe_claim


DEFECT = Defect(
    title="Readiness checks only that the claim function exists: one that raises counts as ready",
    source="P1",
    expected=("claim.raising-function",),
    patch=_patch,
)
