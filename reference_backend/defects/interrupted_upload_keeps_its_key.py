"""The key of an upload is released when it was answered or refused, and not when its client left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from reference_backend.api import keys_in_flight
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


@asynccontextmanager
async def _hold(
    self: KeysInFlight, organization_id: UUID, route: str, key: str
) -> AsyncIterator[None]:
    name = f"idempotency:{organization_id}:{route}:{key}"
    if name in self._mine or not await self._lock(name):
        raise keys_in_flight._in_flight()  # noqa: SLF001
    self._mine.add(name)
    try:
        yield
    except Problem:
        await self._unlock(name)
        self._mine.discard(name)
        raise
    await self._unlock(name)
    self._mine.discard(name)


def _patch() -> None:
    KeysInFlight.hold = _hold  # type: ignore[method-assign]


DEFECT = Defect(
    title="An upload whose client leaves in the middle keeps its key in flight: its retry gets 409 for as long as the process lives",
    source="known: a release in the ways out that were thought of instead of in `finally`",
    expected=("chaos.half-written",),
    patch=_patch,
)
