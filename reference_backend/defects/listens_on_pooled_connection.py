"""LISTEN is called on a connection of the pool, which gets it back."""

import asyncio
from collections.abc import Callable

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import listen


async def _listen(settings: Settings, wake: Callable[[], None], ready: asyncio.Event) -> None:
    pool = database.create_pool(settings, role="service_role", autocommit=True)
    async with pool:
        await database.call(pool, "listen")
        async with pool.connection():  # so that the next one is another
            ready.set()
            while True:
                async with pool.connection() as connection:
                    async for _ in connection.notifies(timeout=settings.poll_interval_s):
                        wake()
                wake()


def _patch() -> None:
    listen.listen = _listen


DEFECT = Defect(
    title="LISTEN is called on a pooled connection that is given back: notifications arrive where nobody reads",
    source="pgbouncer's FAQ: LISTEN needs a session of its own",
    expected=("chaos.wake-up",),
    patch=_patch,
)
