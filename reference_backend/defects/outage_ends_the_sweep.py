"""What repeats the sweep ends it with the first error, in a task whose result nobody reads."""

import asyncio
from collections.abc import Awaitable, Callable

from reference_backend.database import DatabaseUnavailable
from reference_backend.defects import Defect
from reference_backend.worker import periodic

_every = periodic.every


async def _until_error(interval_s: float, step: Callable[[], Awaitable[None]], what: str) -> None:
    if what != "recovery":
        await _every(interval_s, step, what)
    try:
        while True:
            await step()
            await asyncio.sleep(interval_s)
    except DatabaseUnavailable as error:
        periodic.log_failure(what, error)
    await asyncio.Event().wait()


def _patch() -> None:
    periodic.every = _until_error


DEFECT = Defect(
    title="The sweep for stuck exports ends with the first outage: from then on nothing is taken back",
    source="R13: procrastinate #307, a loop that exits on its first exception",
    expected=("chaos.database-restart",),
    patch=_patch,
)
