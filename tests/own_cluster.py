"""A PostgreSQL server for a group of tests, gone with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.recovery.healing import end_run


@asynccontextmanager
async def own_cluster(*, disk_bytes: int | None = None, **settings: str) -> AsyncIterator[Cluster]:
    """Start a server with these settings, and remove all of it afterwards."""
    journal = Journal.begin()
    try:
        running = await Cluster.start(journal, settings=settings, disk_bytes=disk_bytes)
        try:
            yield running
        finally:
            await running.stop()
    finally:
        end_run(journal)
