"""The worker claims, works and completes in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import completion, heartbeat
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.completion import Completion
from reference_backend.worker.running import Claim, RunningExports, ids_and_tokens

_OPEN: dict[UUID, database.Connection] = {}


async def _claim(self: Claimer, limit: int) -> list[Claim]:
    connection = await psycopg.AsyncConnection.connect(
        str(self._pool.conninfo), row_factory=psycopg.rows.dict_row
    )
    row = await database.fetch_one(connection, "claim", limit=min(limit, 1), **self._claimant)
    if row is None:
        await connection.close()
        return []
    claim = Claim(**row)
    _OPEN[claim.claim_token] = connection
    return [claim]


async def _complete(pool: database.Pool, completions: Sequence[Completion]) -> list[bool]:
    del pool  # each claim ends on its own connection
    completed = []
    for item in completions:
        connection = _OPEN.pop(item.claim.claim_token)
        row = await database.fetch_one(
            connection,
            "complete",
            **ids_and_tokens([item.claim]),
            storage_paths=[item.stored.path],
            object_sha256s=[item.stored.sha256],
            object_sizes=[item.stored.size],
            manifests=[item.manifest.decode()],
            manifest_hashes=[item.manifest_hash],
        )
        completed.append(row is not None)
        await connection.commit()
        await connection.close()
    return completed


async def _beat(settings: Settings, pool: database.Pool, running: RunningExports) -> None:
    """No heartbeat: no other session sees the claim."""


def _patch() -> None:
    Claimer.claim = _claim  # type: ignore[method-assign]
    completion.complete = _complete
    heartbeat.beat = _beat


DEFECT = Defect(
    title="Claim, work and completion are one transaction: the row stays locked during the work and no other session sees 'preparing'",
    source="Q16, known: idle in transaction",
    expected=("claim.exactly-once",),
    patch=_patch,
)
