"""A drain gives back what is claimed in the worker's name."""

from collections.abc import Iterable

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import drain
from reference_backend.worker.running import Claim

_RELEASE = """
UPDATE exports SET state = 'queued', claim_token = NULL, claimed_by = NULL, heartbeat_at = NULL, progress = 0,
    attempts_allowed = attempts_allowed + 1
WHERE claimed_by = %(worker)s AND state = 'preparing'
"""


async def _release_by_name(claims: Iterable[Claim], settings: Settings) -> None:
    del claims
    connection = await database.connect(settings, role="service_role")
    async with connection:
        await connection.execute(_RELEASE, {"worker": settings.worker_name})


def _patch() -> None:
    drain._release_once = _release_by_name  # noqa: SLF001


DEFECT = Defect(
    title="A drain gives back all claims in the worker's name: those of a living process of that name, too",
    source="aegra #547: the worker's name as its identity",
    expected=("chaos.same-name",),
    patch=_patch,
)
