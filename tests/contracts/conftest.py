from collections.abc import AsyncIterator

import pytest

from harness.database import Database
from harness.journal import Journal
from harness.postgres.cluster import Cluster


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    journal = Journal.begin()
    try:
        running = await Cluster.start(journal.run_dir, journal)
        try:
            yield running
        finally:
            await running.stop()
    finally:
        journal.close()


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """The cluster's `postgres` database, as a superuser who may change it."""
    opened = Database(cluster.url("postgres"), writable=True)
    yield opened
    await opened.close()
