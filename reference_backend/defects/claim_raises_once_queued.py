"""The claim function has an ambiguous column, which raises as soon as there is something to claim."""

import psycopg

from reference_backend import database, queries
from reference_backend.api import health
from reference_backend.api.context import Services
from reference_backend.defects import Defect, Edit
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim


async def _claim(self: Claimer, limit: int) -> list[Claim]:
    parameters = {
        "worker": self._settings.worker_name,
        "limit": limit,
        "max_per_org": self._settings.max_exports_per_org,
    }
    try:
        rows = await database.call(self._pool, queries.load("claim"), parameters)
    except psycopg.Error:
        return await self._claim_optimistically(limit)
    return [Claim.from_row(row) for row in rows]


async def _probe_claim(shared: Services) -> None:
    async with database.service_transaction(shared.pool) as connection:
        await connection.execute("SELECT 'claim_export_job(text, int, int)'::regprocedure")


def _patch() -> None:
    Claimer.claim = _claim  # type: ignore[method-assign]
    health.probe_claim = _probe_claim


DEFECT = Defect(
    title="The claim function always raises 42702; workers fall back silently and readiness does not notice",
    source="P1",
    expected=("claim.raising-function", "claim.direct-calls", "claim.fallback"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            v_seen := v_seen + 1;\n",
            new="            v_seen := v_seen + 1;\n"
            "            PERFORM id FROM exports JOIN jobs ON jobs.id = job_id WHERE organization_id = v_next;\n",
        ),
    ),
    patch=_patch,
)
