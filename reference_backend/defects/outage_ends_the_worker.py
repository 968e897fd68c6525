"""A heartbeat that fails is thought to be the end of the worker."""

import asyncio
from collections.abc import Awaitable, Callable

from reference_backend.defects import Defect
from reference_backend.worker import periodic

_every = periodic.every


async def _or_end(interval_s: float, step: Callable[[], Awaitable[None]], what: str) -> None:
    if what != "heartbeat":
        await _every(interval_s, step, what)
    while True:
        await step()
        await asyncio.sleep(interval_s)


def _patch() -> None:
    periodic.every = _or_end


DEFECT = Defect(
    title="A worker ends with the first heartbeat that the database does not take",
    source="R13: an exception that nobody catches in a background task",
    expected=("chaos.database-restart",),
    patch=_patch,
)
