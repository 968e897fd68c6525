"""Each of the case files' own defects shows in their dialect, and only when it is switched on."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from harness.client.tokens.tokens import recipe_of
from harness.machine.journal import Journal
from harness.prove.zoo import parse_zoo
from harness.recovery.healing import end_run
from harness.system import System, launch, launch_sibling

from . import probes_of_records, probes_of_requests, probes_of_work
from .house import House
from .probes_of_work import until

pytestmark = pytest.mark.integration

Probe = Callable[[House], Awaitable[bool]]

DEFECTS = (
    *("key-without-tenant", "key-reuse-accepted", "keys-in-memory", "dedup-race", "foreign-raw"),
    *("foreign-case-upload", "cursor-forgets-tenant", "reader-withdraws", "expired-token"),
    *("profile-tenant", "size-by-header-only", "magic-ignored", "refused-stays-stored"),
    *("name-in-path", "trail-forks", "previous-unchecked", "trail-local-time"),
    *("contents-not-canonical", "archive-wrong-file", "claim-unguarded", "cap-by-candidates"),
    *("place-among-all", "sweep-waits", "sweep-once"),
    *("start-takes-back-its-name", "claimed-again-skipped"),
    *("stale-lease-finishes", "again-grants-nothing", "stale-cache", "junk-is-500"),
    *("digest-of-part", "location-nowhere", "undeclared-health"),
)
DRILLED = (
    *("lost-commit-discards", "stop-closes-connections", "renewal-without-lease"),
    *("renewals-add-up", "lost-slot-leaks", "outage-ends-the-worker", "rests-when-idle"),
    *("sweep-takes-one", "sweep-looks-ahead", "sweep-spares-the-living", "failed-keeps-its-slot"),
    *("again-adds-tries", "archive-in-transaction", "withdraw-unguarded"),
    *("answer-remembered-later", "cut-off-keeps-its-key"),
)
"""Shown by the drills that they name, which were proven on them; no probe here does as much."""
IN_THE_SCHEMA = {"dedup-race", "trail-forks"}  # a clone of the clean database would forbid them
GROUPS = (
    # One system each. What would hide another one, or show in its probe, is in another group.
    (
        *("key-without-tenant", "foreign-raw", "foreign-case-upload", "cursor-forgets-tenant"),
        *("reader-withdraws", "expired-token", "profile-tenant", "size-by-header-only"),
        *("magic-ignored", "name-in-path", "stale-cache", "junk-is-500", "digest-of-part"),
        *("location-nowhere", "undeclared-health"),
    ),
    ("keys-in-memory", "refused-stays-stored", "previous-unchecked"),
    ("dedup-race", "trail-forks"),
    (
        *("trail-local-time", "contents-not-canonical", "archive-wrong-file"),
        *("key-reuse-accepted", "stale-lease-finishes"),  # the latter's probe ends a worker
    ),
    ("claim-unguarded", "place-among-all", "again-grants-nothing"),  # leaves a package waiting
    ("sweep-once",),  # leaves one that was claimed
    ("cap-by-candidates", "sweep-waits", "start-takes-back-its-name", "claimed-again-skipped"),
)
WITHOUT_WORKERS = GROUPS[:3]
"""How requests are answered does not depend on workers."""


def probe_of(defect: str) -> Probe:
    name = defect.replace("-", "_")
    modules = (probes_of_requests, probes_of_records, probes_of_work)
    found: list[Probe] = [getattr(each, name) for each in modules if hasattr(each, name)]
    (probe,) = found
    return probe


@asynccontextmanager
async def wrong_system(system: System, group: tuple[str, ...]) -> AsyncIterator[System]:
    wish = {"FOREIGN_DEFECT": ",".join(group)}
    workers = 0 if group in WITHOUT_WORKERS else 2
    if not IN_THE_SCHEMA & {*group}:
        sibling = await launch_sibling(system, api_instances=2, workers=workers, environment=wish)
        try:
            yield sibling
        finally:
            await sibling.close()
        return
    target = system.target.model_copy(update={"environment": {**system.target.environment, **wish}})
    journal = Journal.begin()
    own = await launch(target, journal=journal, workers=workers, name="wrong")
    try:
        yield own
    finally:
        await own.close()
        end_run(journal)


def test_every_defect_is_listed(installed: Path) -> None:
    printed = subprocess.run(
        ["node", "defects.mjs"], cwd=installed, capture_output=True, check=True, timeout=30
    ).stdout
    assert {each.id for each in parse_zoo(printed, what="the list")} == {*DEFECTS, *DRILLED}
    assert all(row["title"] and row["source"] for row in json.loads(printed))


def test_every_defect_is_in_a_group() -> None:
    assert sorted(each for group in GROUPS for each in group) == sorted(DEFECTS)


def test_a_misspelt_defect_is_refused(installed: Path) -> None:
    done = subprocess.run(
        ["node", "migrate.mjs"],
        cwd=installed,
        env={"PATH": os.environ["PATH"], "FOREIGN_DEFECT": "stale-cache,magic-ignord"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "magic-ignord is none of: " in done.stderr


@pytest.fixture(scope="session")
async def clean(system: System) -> AsyncIterator[System]:
    """One system for all the probes: each makes its own tenants, and undoes what it does."""
    sibling = await launch_sibling(system, api_instances=2, workers=2)
    yield sibling
    await sibling.close()


@pytest.mark.parametrize("defect", DEFECTS)
async def test_the_clean_backend_is_right(defect: str, clean: System) -> None:
    assert not await answered(clean, defect)
    for worker in clean.workers:
        if not clean.is_alive(worker):
            await clean.restart(worker)


async def is_idle(system: System) -> bool:
    assert system.control_url is not None
    async with await psycopg.AsyncConnection.connect(system.control_url) as connection:
        found = await connection.execute(
            "SELECT 1 FROM packages WHERE state IN ('waiting', 'collecting', 'packing') LIMIT 1"
        )
        return await found.fetchone() is None


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
async def test_each_shows_where_it_is_switched_on(group: tuple[str, ...], system: System) -> None:
    async with wrong_system(system, group) as wrong:
        assert [each for each in group if not await answered(wrong, each)] == []


async def answered(system: System, defect: str) -> bool:
    """Whether the defect shows, once the packages of earlier probes have come to their end."""
    if system.workers:
        await until("earlier packages have come to their end", lambda: is_idle(system))
    async with AsyncExitStack() as clients:
        house = House(system=system, recipe=recipe_of(system.target), clients=clients)
        return await probe_of(defect)(house)
