"""What all tests share: a clean environment, and a PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.recovery.healing import end_run

_OURS = (
    *("BACKEND_URL", "JWT_TOKEN", "JOB_ID", "JWT_ORG_A", "JWT_ORG_B", "JOB_ID_ORG_A"),
    *(
        "JOB_ID_ORG_B",
        "DATABASE_URL",
        "SHAKEDOWN_DATABASE_URL",
        "REFERENCE_BACKEND_DEFECT",
        "FAILPOINTS",
    ),
    *("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"),
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _OURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    """One PostgreSQL for the tests that need no more of it than a connection."""
    journal = Journal.begin()
    try:
        running = await Cluster.start(journal)
        try:
            yield running
        finally:
            await running.stop()
    finally:
        end_run(journal)
