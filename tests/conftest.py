"""What all tests share: a clean environment, a PostgreSQL, and what counts for coverage."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from harness.postgres.cluster import Cluster
from tests.own_cluster import own_cluster

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


# The tests start hundreds of Pythons. Each would compile all that it imports, and so would each
# process of pytest, where the environment forbids keeping what was compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


_OTHER_PROCESSES = (
    *("chaos/staging", "elsewhere", "foreign", "golden_path", "harness/cli", "hostile", "secrets"),
)
"""The folders whose tests run the product in other processes, where no line is counted."""


_OTHER_BACKENDS = (
    *("contracts/in_other_ways", "elsewhere", "foreign", "hostile", "organization_paths"),
    *("redirects", "secrets"),
)
"""The folders whose integration tests run checks on backends other than the reference, which takes
longer than all other tests together: they are marked `backends`, for a command of their own."""


_LONG = (
    "test_reference.py",
    "test_gate.py",
    "test_flask_gate.py",
    "test_keyed_gate.py",
    "test_hostile.py",
)
"""Files whose tests take ten seconds and more: they begin first, so that none is left for the end,
when the other processes of pytest-xdist have nothing to do any more."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected: nothing of what is made is garbage then.

    Nor is any of it later: it is left out of each search for garbage.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


# First, so that the marks are there when `-m` chooses.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests on other backends, begin with what takes long, and count lines where it helps.

    Tracing costs half as much again.
    """
    items.sort(key=lambda item: item.path.name not in _LONG)
    for item in items:
        if item.get_closest_marker("integration") and _lies_in(item, _OTHER_BACKENDS):
            item.add_marker("backends")
        if config.getoption("cov_source", None) and _lies_in(item, _OTHER_PROCESSES):
            item.add_marker("no_cover")


def _lies_in(item: pytest.Item, folders: tuple[str, ...]) -> bool:
    here = Path(__file__).parent
    return any(item.path.is_relative_to(here / folder) for folder in folders)


# How long an example takes says nothing on a busy machine; where CI is set, it is so by default.
settings.register_profile(
    "a busy machine",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("a busy machine")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _OURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    """One PostgreSQL for the tests that need no more of it than a connection."""
    async with own_cluster() as running:
        yield running
