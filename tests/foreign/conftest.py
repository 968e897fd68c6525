"""One Flask depot for all tests that leave it as it was."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.foreign.flask_depot import Depot, depot


@pytest_asyncio.fixture(scope="session")
async def flask_depot() -> AsyncIterator[Depot]:
    async with depot(DEPOT_MAX_FILE_BYTES=str(1024 * 1024)) as running:
        yield running
