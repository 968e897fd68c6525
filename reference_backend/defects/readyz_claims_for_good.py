"""Readiness calls the claim function on the real queue and commits."""

import psycopg

from reference_backend import queries
from reference_backend.api import health
from reference_backend.api.context import Services
from reference_backend.api.problems import Problem
from reference_backend.database import service_transaction
from reference_backend.defects import Defect


async def _probe_claim(shared: Services) -> None:
    async with service_transaction(shared.pool) as connection:
        try:
            await connection.execute(
                queries.load("api/probe_claim"),
                {"worker": "readiness-probe", "max_per_org": shared.settings.max_exports_per_org},
            )
        except psycopg.Error as error:
            raise Problem("claim_unavailable", "Exports cannot be claimed right now.") from error


def _patch() -> None:
    health.probe_claim = _probe_claim


DEFECT = Defect(
    title="Every readiness probe claims an export and leaves it to recovery",
    source="P1, put right in haste",
    expected=("claim.raising-function",),
    patch=_patch,
)
