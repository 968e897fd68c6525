"""Claiming exports: by the database's function, or loudly without it when it is missing."""

from __future__ import annotations

import logging
import random
import time

import psycopg

from reference_backend import database, queries
from reference_backend.metrics import WorkerMetrics
from reference_backend.settings import Settings
from reference_backend.worker.running import Claim

FALLBACK_SPREAD = 32
LOG_EVERY_S = 10.0

logger = logging.getLogger(__name__)


class Claimer:
    """Claims on behalf of one worker."""

    def __init__(self, settings: Settings, pool: database.Pool, metrics: WorkerMetrics) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._last_complaint = -LOG_EVERY_S

    async def claim(self, limit: int) -> list[Claim]:
        """Up to ``limit`` exports, oldest first; fewer when there are no more, or caps are reached.

        A claim function that raises is an outage and comes through as the psycopg.Error it is; one
        that does not exist is replaced by `_claim_optimistically`. Raises DatabaseUnavailable.
        """
        parameters = {
            "worker": self._settings.worker_name,
            "limit": limit,
            "max_per_org": self._settings.max_exports_per_org,
        }
        try:
            rows = await database.call(self._pool, queries.load("claim"), parameters)
        except psycopg.errors.UndefinedFunction as error:
            if error.diag.context:  # raised inside the function: it exists and is broken
                raise
            await self._complain(error)
            return await self._claim_optimistically(limit)
        return [Claim.from_row(row) for row in rows]

    async def _complain(self, error: psycopg.Error) -> None:
        self._metrics.fallbacks.inc()
        await database.call(
            self._pool, queries.load("count"), {"name": "export_claim_fallback_total", "amount": 1}
        )
        if time.monotonic() - self._last_complaint >= LOG_EVERY_S:
            self._last_complaint = time.monotonic()
            logger.error(
                "claim_export_job() is missing, claiming optimistically; run the migrations: %s",
                error,
            )

    async def _claim_optimistically(self, limit: int) -> list[Claim]:
        """Pick candidates first, then claim each on the condition that it is still to be had.

        Workers start at different candidates: were all of them to try the oldest first, all but
        one would lose every time. Lock and condition are as exact as the function's.
        """
        candidates = await database.call(
            self._pool,
            queries.load("fallback_candidates"),
            {
                "limit": max(limit, FALLBACK_SPREAD),
                "max_per_org": self._settings.max_exports_per_org,
            },
        )
        start = random.randrange(min(len(candidates), FALLBACK_SPREAD)) if candidates else 0
        claims: list[Claim] = []
        for candidate in candidates[start:] + candidates[:start]:
            if len(claims) == limit:
                break
            row = await self._claim_candidate(candidate)
            if row is not None:
                claims.append(Claim.from_row(row))
        return claims

    async def _claim_candidate(self, candidate: database.Row) -> database.Row | None:
        """The candidate, unless somebody else has it by now or its organization is at its cap."""
        async with database.worker_transaction(self._pool) as connection:
            # Two statements: the second must see what was committed while the first one waited.
            await connection.execute(queries.load("fallback_lock"), candidate)
            cursor = await connection.execute(
                queries.load("fallback_claim"),
                {
                    **candidate,
                    "worker": self._settings.worker_name,
                    "max_per_org": self._settings.max_exports_per_org,
                },
            )
            return await cursor.fetchone()
