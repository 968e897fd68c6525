"""The fixtures that checks are written with."""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.check import place_of
from harness.client import Organization, Organizations
from harness.database import NO_CONTROL, Database, database_at
from harness.errors import Inconclusive
from harness.findings.preconditions import BrokenPreconditions
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.checking.check_cells import BROKEN
from harness.plugin.checking.check_state import STATE, CheckState
from harness.plugin.checking.history_end import HISTORY
from harness.plugin.checking.patience import patience_of
from harness.plugin.checking.results import check_log
from harness.plugin.checking.run_mark import mark_of
from harness.plugin.collecting.collection import SPEC
from harness.plugin.context import redactor_of, system_of, target_of
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.redaction.issued_tokens import record_issued_tokens
from harness.renamed import warn_renamed, warn_renamed_at
from harness.system import System, launch_sibling
from harness.system.stored_events import read_events_from
from harness.target import Capability, Target


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The description of what is being tested."""
    return target_of(pytestconfig)


@pytest.fixture(scope="session")
def system(pytestconfig: pytest.Config) -> System:
    """The running system that all checks share: look at it, do not break it."""
    return system_of(pytestconfig)


@pytest.fixture(scope="session")
async def guard(target: Target) -> Guard:
    """Asked before each act that may harm a backend which runs elsewhere."""
    return await Guard.of(target)


@pytest.fixture(autouse=True)
async def permitted(request: pytest.FixtureRequest, target: Target, guard: Guard) -> None:
    """Let a check that puts load on a backend which runs elsewhere begin only if it may, now."""
    if target.driver == "external" and Capability.LOAD in request.node.stash[SPEC].needs:
        await guard.permit_load()


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of the run."""
    return settings_of(pytestconfig).seed


@pytest.fixture
def rng(request: pytest.FixtureRequest, seed: int) -> random.Random:
    """A generator of the check's own: same seed, same check, same numbers."""
    # Seeded with text, which Python hashes by SHA-512 whatever PYTHONHASHSEED says.
    return random.Random(f"{seed}:{request.node.stash[SPEC].id}")


@pytest.fixture
def observe(request: pytest.FixtureRequest) -> Observations:
    """`observe(n=1, what="")`: count what the check really looked at."""
    state: CheckState = request.node.stash[STATE]
    return state.observations


@pytest.fixture
def cells(request: pytest.FixtureRequest) -> Cells:
    """`async with cells.of(operation="getJob"): …`: what fails inside is one finding of many."""
    state: CheckState = request.node.stash[STATE]
    return state.cells


@pytest.fixture
def cover(request: pytest.FixtureRequest) -> Coverage:
    """`cover("operations", operation="getJob", token="viewer")`: record what the check covered."""
    state: CheckState = request.node.stash[STATE]
    return state.coverage


@pytest.fixture
async def organizations(
    pytestconfig: pytest.Config, target: Target, system: System
) -> AsyncIterator[Organizations]:
    """Makes organizations on the shared system; every check makes its own."""
    mark = mark_of(system, settings_of(pytestconfig), redactor_of(pytestconfig))
    base_urls = [instance.base_url for instance in system.api]
    hide = hiding_tokens(pytestconfig, system)
    async with Organizations.of(system.target, base_urls, mark, hide, system.control_url) as made:
        made.transport.broken = BrokenPreconditions(system.run_dir / BROKEN)
        made.transport.patience = patience_of(pytestconfig, target)
        made.transport.logs = [instance.log_path for instance in system.api]
        made.transport.worker_logs = [instance.log_path for instance in system.workers]
        async with database_at(system.readonly_url) as reading:
            if reading is not None:
                read_events_from(made, reading, target)
            yield made
        if made.left is not None:
            await made.left.cancel()


def hiding_tokens(config: pytest.Config, system: System) -> Callable[[Iterable[str]], None]:
    """Give what hides the tokens that the backend gives out."""
    redact = redactor_of(config)

    def hide(tokens: Iterable[str]) -> None:
        issued = tuple(tokens)
        redact.add_issued_tokens(issued)
        record_issued_tokens(system.run_dir, issued)

    return hide


@pytest.fixture
def organisations(request: pytest.FixtureRequest, organizations: Organizations) -> Organizations:
    """The old name of `organizations`."""
    file, line = place_of(request.function)
    warn_renamed_at("the fixture organisations", "organizations", file, line)
    return organizations


@pytest.fixture
async def org(organizations: Organizations) -> Organization:
    """A new organization that only this check uses."""
    return await organizations.new("org")


@pytest.fixture
async def other_org(organizations: Organizations) -> Organization:
    """A second new organization."""
    return await organizations.new("other org")


@pytest.fixture
async def database(system: System) -> AsyncIterator[Database]:
    """Read-only queries on the shared system's database."""
    if system.readonly_url is None:
        raise Inconclusive("this target gives no access to its database")
    async with Database(system.readonly_url) as opened:
        yield opened


@dataclass(frozen=True, kw_only=True)
class OwnSystem:
    """A system that belongs to one check, which may do to it what it likes."""

    system: System
    organizations: Organizations
    reading: Database | None = None
    control: Database | None = None

    @property
    def organisations(self) -> Organizations:
        """The old name of `organizations`."""
        warn_renamed("organisations", "organizations")
        return self.organizations

    @property
    def database(self) -> Database:
        """Read-only, as on the shared system. `Inconclusive` where the target gives no access."""
        return _given(self.reading)

    @property
    def control_database(self) -> Database:
        """May change everything. `Inconclusive` where the target gives no access."""
        return _given(self.control)


def _given(database: Database | None) -> Database:
    if database is None:
        raise Inconclusive(NO_CONTROL)
    return database


FreshSystem = Callable[..., AbstractAsyncContextManager[OwnSystem]]


@pytest.fixture
def fresh_system(request: pytest.FixtureRequest, target: Target, system: System) -> FreshSystem:
    """Brings up a system of the check's own: its own database, instances and storage.

    `async with fresh_system(api_instances=1, workers=0, environment={…}, worker_environment={…})
    as own`; the numbers default to the target's. It is gone when the block is left. `proxied=True`:
    clients, instances and database reach each other through proxies (`own.system.network`), in
    place before they start; `own_server=True`: no other system uses its database server;
    `storage_bytes`: its objects are on a file system of this size; `database_bytes`: so is its own
    server's data;
    `values={"drain_grace_s": "3"}`: placeholders that mean something else there.
    """
    config = request.config

    @asynccontextmanager
    async def bring_up(
        *,
        api_instances: int | None = None,
        workers: int | None = None,
        environment: Mapping[str, str] | None = None,
        worker_environment: Mapping[str, str] | None = None,
        proxied: bool = False,
        own_server: bool = False,
        storage_bytes: int | None = None,
        database_bytes: int | None = None,
        values: Mapping[str, str] | None = None,
    ) -> AsyncIterator[OwnSystem]:
        if not target.is_cloned:
            raise Inconclusive(
                "a second system of this target would share its data with the first one: use "
                '[database] source = "embedded" or "docker"; or "none", and keep everything in '
                "{storage_dir}"
            )
        own = await launch_sibling(
            system,
            api_instances=api_instances,
            workers=workers,
            environment=environment or {},
            worker_environment=worker_environment or {},
            proxied=proxied,
            own_server=own_server,
            storage_bytes=storage_bytes,
            database_bytes=database_bytes,
            values=values,
        )
        redactor_of(config).add_secrets(own.secrets)  # a server of its own has passwords of its own
        try:
            async with _opened(own, hiding_tokens(config, own)) as opened:
                opened.organizations.transport.broken = BrokenPreconditions(system.run_dir / BROKEN)
                if opened.reading is not None:
                    read_events_from(opened.organizations, opened.reading, target)
                yield opened
        finally:
            redactor_of(config).add_secrets(own.secrets)
            await own.close()

    return bring_up


@asynccontextmanager
async def _opened(own: System, learn: Callable[[Iterable[str]], None]) -> AsyncIterator[OwnSystem]:
    base_urls = [
        await own.network.address_of(each) if own.network else each.base_url for each in own.api
    ]
    async with (
        database_at(own.readonly_url) as reading,
        database_at(own.control_url, writable=True) as control,
        Organizations.of(
            own.target, base_urls, learn=learn, control_url=own.control_url
        ) as organizations,
    ):
        organizations.transport.logs = [instance.log_path for instance in own.api]
        organizations.transport.worker_logs = [worker.log_path for worker in own.workers]
        yield OwnSystem(system=own, organizations=organizations, reading=reading, control=control)


@pytest.fixture(scope="session")
def history_of_run(pytestconfig: pytest.Config) -> HistoryWriter:
    """Writes to the one history of the run, `history.jsonl` in the report."""
    path = settings_of(pytestconfig).report_path / "history.jsonl"
    writer = HistoryWriter(path, redactor_of(pytestconfig))
    # Not when fixtures are taken down: how the last check ended is known only after that.
    pytestconfig.add_cleanup(writer.close)
    return writer


@pytest.fixture
def history(request: pytest.FixtureRequest, history_of_run: HistoryWriter) -> HistoryWriter:
    """Writes to the history of the run, `history.jsonl` in the report, what this check sees."""
    item = request.node
    written = item.stash[HISTORY] = history_of_run.of(item.stash[SPEC].id)
    return written


@pytest.fixture
def report_dir(request: pytest.FixtureRequest) -> Path:
    """A folder of the check's own in the report, for files that it wants to keep."""
    log = check_log(settings_of(request.config).report_path, request.node.stash[SPEC].id)
    folder = log.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
