"""The worker claims, works and completes in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from reference_backend import database, queries
from reference_backend.defects import Defect
from reference_backend.worker import completion
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.completion import Completion
from reference_backend.worker.heartbeat import Heartbeat
from reference_backend.worker.running import Claim

_OPEN: dict[UUID, database.Connection] = {}


async def _claim(self: Claimer, limit: int) -> list[Claim]:
    connection = await database.connect(self._settings, role="service_role")
    await connection.execute("BEGIN")
    parameters = {
        "worker": self._settings.worker_name,
        "limit": min(limit, 1),
        "max_per_org": self._settings.max_exports_per_org,
    }
    cursor = await connection.execute(queries.load("claim"), parameters)
    row = await cursor.fetchone()
    if row is None:
        await connection.close()
        return []
    claim = Claim.from_row(row)
    _OPEN[claim.token] = connection
    return [claim]


async def _complete(pool: database.Pool, completions: Sequence[Completion]) -> list[bool]:
    del pool  # what a claim began, its own connection ends
    completed = []
    for item in completions:
        connection = _OPEN.pop(item.claim.token)
        cursor = await connection.execute(
            queries.load("complete"),
            {
                "ids": [item.claim.export.export_id],
                "tokens": [item.claim.token],
                "storage_paths": [item.stored.path],
                "object_sha256s": [item.stored.sha256],
                "object_sizes": [item.stored.size],
                "manifests": [item.manifest.decode()],
                "manifest_hashes": [item.manifest_hash],
            },
        )
        completed.append(await cursor.fetchone() is not None)
        await connection.execute("COMMIT")
        await connection.close()
    return completed


async def _beat(self: Heartbeat) -> None:
    """There is nothing to beat for: nobody else sees the claim."""


def _patch() -> None:
    Claimer.claim = _claim  # type: ignore[method-assign]
    completion.complete = _complete
    Heartbeat.beat = _beat  # type: ignore[method-assign]


DEFECT = Defect(
    title="Claim, work and completion are one transaction: the row stays locked during the work and no other session sees 'preparing'",
    source="Q16, known: idle in transaction",
    expected=("claim.exactly-once",),
    patch=_patch,
)
