"""Giving back is so important that it is tried until it succeeds."""

import asyncio
from collections.abc import Collection

import psycopg

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.worker import drain, process
from reference_backend.worker.drain import Grace
from reference_backend.worker.running import Claim

_release_once = drain._release_once  # noqa: SLF001


async def _release(claims: Collection[Claim], grace: Grace) -> None:
    while True:
        try:
            await _release_once(claims, grace.settings)
        except (database.DatabaseUnavailable, psycopg.OperationalError, TimeoutError):
            await asyncio.sleep(0.2)
        else:
            return


def _never(seconds: float) -> None:
    """Nothing: it ends when it is done."""
    del seconds


def _patch() -> None:
    drain._release = _release  # noqa: SLF001
    process._exit_after = _never  # noqa: SLF001


DEFECT = Defect(
    title="A worker that gets SIGTERM in an outage waits for the database to give its exports back, and is killed",
    source="R18: a drain without an end",
    expected=("chaos.database-restart",),
    patch=_patch,
)
