"""A worker that starts goes on with what is claimed in its name."""

import asyncio

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import Claim, RunningExport

_CLAIMED = """
SELECT id, organization_id, job_id, export_type, attempt, claim_token, created_at, filters::text AS filters,
       ledger_head_seq, ledger_head_hash
FROM exports WHERE claimed_by = %(worker)s AND state = 'preparing'
"""

_claim_until_stopped = Worker._claim_until_stopped  # noqa: SLF001


async def _after_adopting(self: Worker, claimer: Claimer, exporter: Exporter) -> None:
    settings = self._settings
    connection = await database.connect(settings, role="service_role")
    async with connection:
        found = await connection.execute(_CLAIMED, {"worker": settings.worker_name})
        rows = await found.fetchall()
    for row in rows:
        export = RunningExport(Claim(**row))
        self._running.add(export)
        export.task = asyncio.create_task(self._work(export, exporter), name=str(export.claim))
    await _claim_until_stopped(self, claimer, exporter)


def _patch() -> None:
    Worker._claim_until_stopped = _after_adopting  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker that starts goes on with all claims in its name, with their tokens: those of a living process of that name, too",
    source="aegra #547: the worker's name as its identity",
    expected=("chaos.same-name",),
    patch=_patch,
)
