"""Fixtures that only the checks of this folder use."""

import random
from collections.abc import AsyncIterator

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.tenancy.requests.stored_rows import StoredRows
from harness.client import Samples
from harness.database import Database, database_at
from harness.system import System
from harness.target import Target


@pytest.fixture(scope="session", autouse=True)
def _hypothesis_home(system: System) -> None:
    """Keep what Hypothesis writes out of the folder that the gate was started in."""
    set_hypothesis_home_dir(system.run_dir / "hypothesis")


@pytest.fixture
def samples(rng: random.Random) -> Samples:
    """Real files of every allowed type, no two alike, the same under the same seed."""
    return Samples(rng)


@pytest.fixture
async def stored_ledger(target: Target, system: System) -> AsyncIterator[StoredLedger | None]:
    """The ledger's rows in the database, None where the target gives no access or no salts."""
    if system.readonly_url is None or target.ledger is None or not target.ledger.knows_salts:
        yield None
        return
    async with Database(system.readonly_url) as database:
        yield StoredLedger(database=database, ledger=target.ledger)


@pytest.fixture
async def stored_rows(system: System, target: Target) -> AsyncIterator[StoredRows]:
    """The rows of organizations in the database, none where the target gives no access."""
    async with database_at(system.readonly_url) as database:
        yield StoredRows(database=database, target=target)
