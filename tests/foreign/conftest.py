"""One Flask depot for all tests that leave it as it was, and a PostgreSQL with roles of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from harness.postgres.cluster import Cluster
from tests.foreign.flask_depot import Depot, depot
from tests.own_cluster import own_cluster


@pytest_asyncio.fixture(scope="session")
async def flask_depot() -> AsyncIterator[Depot]:
    async with depot(DEPOT_MAX_FILE_BYTES=str(1024 * 1024)) as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    """Roles are a whole cluster's, and these backends make some that other tests know otherwise."""
    async with own_cluster() as running:
        yield running
