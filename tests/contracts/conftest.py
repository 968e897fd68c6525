from collections.abc import AsyncIterator

import pytest

from harness.database import Database
from harness.postgres.cluster import Cluster


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """The cluster's `postgres` database, as a superuser who may change it."""
    opened = Database(cluster.url("postgres"), writable=True)
    yield opened
    await opened.close()
