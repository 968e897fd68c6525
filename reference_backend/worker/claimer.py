"""Claiming exports: by the database's function, or without it, and logged, when it is missing."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import psycopg

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.metrics import WorkerMetrics
from reference_backend.worker.running import Claim

FALLBACK_SPREAD = 32
LOG_EVERY_S = 10.0

logger = logging.getLogger(__name__)


class Claimer:
    """Claims for one worker."""

    def __init__(self, settings: Settings, pool: database.Pool, metrics: WorkerMetrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._cap: dict[str, Any] = {"max_per_org": settings.max_exports_per_org}
        self._claimant = {"worker": settings.worker_name, **self._cap}
        self._last_logged = -LOG_EVERY_S

    async def claim(self, limit: int) -> list[Claim]:
        """Up to ``limit`` exports, oldest first; fewer if there are no more, or caps are reached.

        A claim function that raises is an outage: its psycopg.Error passes through. Only a missing
        one is replaced by `_claim_optimistically`. Raises DatabaseUnavailable.
        """
        try:
            rows = await database.call(self._pool, "claim", limit=limit, **self._claimant)
        except psycopg.errors.UndefinedFunction as error:
            if error.diag.context:  # raised inside the function: it exists and is broken
                raise
            await self._report_fallback(error)
            return await self._claim_optimistically(limit)
        return [Claim(**row) for row in rows]

    async def _report_fallback(self, error: psycopg.Error) -> None:
        self._metrics.fallbacks.inc()
        await database.call(self._pool, "count", name="export_claim_fallback_total", amount=1)
        if time.monotonic() - self._last_logged >= LOG_EVERY_S:
            self._last_logged = time.monotonic()
            logger.error(
                "claim_export_job() is missing, claiming optimistically; run the migrations: %s",
                error,
            )

    async def _claim_optimistically(self, limit: int) -> list[Claim]:
        """Pick candidates first, then claim each on the condition that it is still claimable.

        Workers start at different candidates: if all tried the oldest first, all except one would
        fail every time. Lock and condition are as exact as the function's.
        """
        candidates = await database.call(
            self._pool, "fallback_candidates", limit=max(limit, FALLBACK_SPREAD), **self._cap
        )
        start = random.randrange(min(len(candidates), FALLBACK_SPREAD)) if candidates else 0
        claims: list[Claim] = []
        for candidate in candidates[start:] + candidates[:start]:
            if len(claims) == limit:
                break
            row = await self._claim_candidate(candidate)
            if row is not None:
                claims.append(Claim(**row))
        return claims

    async def _claim_candidate(self, candidate: database.Row) -> database.Row | None:
        """The candidate, unless another worker has it or its organization is at its cap."""
        async with database.worker_transaction(self._pool) as connection:
            # Two statements: the second must see what was committed while the first one waited.
            await database.fetch_one(connection, "fallback_lock", **candidate)
            return await database.fetch_one(
                connection, "fallback_claim", **candidate, **self._claimant
            )
