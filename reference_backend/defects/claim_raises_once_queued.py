"""The claim function has an ambiguous column, which raises as soon as there is something to claim."""

from __future__ import annotations

import psycopg

from reference_backend import database
from reference_backend.api import health
from reference_backend.api.context import Services
from reference_backend.defects import Defect, Edit, _worker
from reference_backend.worker.claimer import Claimer


async def _report_nothing(_claimer: Claimer, _error: Exception) -> None:
    return


async def _probe_claim(shared: Services) -> None:
    async with database.service_transaction(shared.pool) as connection:
        await connection.execute("SELECT 'claim_export_job(text, int, int)'::regprocedure")


def _patch() -> None:
    _worker.fall_back_on((psycopg.Error,), _report_nothing)
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
