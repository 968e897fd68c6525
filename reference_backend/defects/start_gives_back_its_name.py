"""A worker that starts gives back what is claimed in its name: it must be from before a crash."""

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.loop import Worker

_GIVE_BACK = """
UPDATE exports SET state = 'queued', claim_token = NULL, claimed_by = NULL, heartbeat_at = NULL, progress = 0
WHERE claimed_by = %(worker)s AND state = 'preparing'
"""

_claim_until_stopped = Worker._claim_until_stopped  # noqa: SLF001


async def _after_giving_back(self: Worker, claimer: Claimer, exporter: Exporter) -> None:
    settings = self._settings
    connection = await database.connect(settings, role="service_role")
    async with connection:
        await connection.execute(_GIVE_BACK, {"worker": settings.worker_name})
    await _claim_until_stopped(self, claimer, exporter)


def _patch() -> None:
    Worker._claim_until_stopped = _after_giving_back  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker that starts gives back all claims in its name: those of a living process of that name, too",
    source="known: start-up clean-up by host name, such as delayed_job's clear_locks!",
    expected=("chaos.same-name",),
    patch=_patch,
)
