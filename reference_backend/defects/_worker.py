"""Changes to the worker that several defects make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reference_backend import database
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim


def fall_back_on(
    errors: tuple[type[Exception], ...], report: Callable[[Claimer, Exception], Awaitable[None]]
) -> None:
    """Claim without the claim function after any of these errors."""

    async def claim(self: Claimer, limit: int) -> list[Claim]:
        try:
            rows = await database.call(self._pool, "claim", limit=limit, **self._claimant)
        except errors as error:
            await report(self, error)
            return await self._claim_optimistically(limit)
        return [Claim(**row) for row in rows]

    Claimer.claim = claim  # type: ignore[method-assign]
