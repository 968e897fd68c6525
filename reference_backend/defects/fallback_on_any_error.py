"""The worker falls back on any error of the claim function."""

import psycopg

from reference_backend import database, queries
from reference_backend.defects import Defect
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
    except (psycopg.Error, database.DatabaseUnavailable) as error:
        await self._complain(psycopg.Error(str(error)))
        return await self._claim_optimistically(limit)
    return [Claim.from_row(row) for row in rows]


def _patch() -> None:
    Claimer.claim = _claim  # type: ignore[method-assign]


DEFECT = Defect(
    title="The fallback hides every error: permission, timeout or a broken function all become an optimistic claim",
    source="Q14: instant #2578",
    expected=("claim.raising-function",),
    patch=_patch,
)
