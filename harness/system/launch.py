"""Bringing systems up."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import InstanceFailed, Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Role
from harness.instances.plan import Driver, plan_for
from harness.instances.start import start_instance
from harness.machine.journal import Journal
from harness.postgres.cluster import create_database
from harness.postgres.template import OBSERVER, OWNER
from harness.system.database_server import DatabaseServer
from harness.system.databases import make_template
from harness.system.external import find_external
from harness.system.infrastructure import Infrastructure
from harness.system.system import System
from harness.target.target import Target

Progress = Callable[[str], None]

_OUTLAST_S = 1.0
"""How long a program that cannot be asked must run before it is taken for one that has started."""

_POLL_S = 0.02


async def launch(
    target: Target,
    *,
    run_dir: Path,
    journal: Journal,
    on_progress: Progress = lambda _: None,
    api_instances: int | None = None,
    workers: int | None = None,
    name: str = "main",
) -> System:
    """Bring up a system and wait until all of it is ready.

    `api_instances` and `workers` win over the target's. `on_progress` gets a line for every step.
    Raises `Misconfigured` (or `InstanceFailed`) when that cannot be done; nothing is left then.
    """
    began = time.monotonic()
    counts = _counts(target, api_instances, workers)
    if target.driver == "external":
        return await find_external(target, run_dir, journal, on_progress, name)
    system: System | None = None
    phases: dict[str, float] = {}
    infrastructure = Infrastructure(target, run_dir, journal, on_progress)
    try:
        driver, server = await infrastructure.start()
        database = DatabaseAccess()
        if server is not None:
            phases["cluster"] = time.monotonic() - began
            on_progress(f"PostgreSQL {server.version} is up ({phases['cluster']:.2f} s)")
            database = await _own_database(server, driver, target, journal, name, phases)
            on_progress(f"the database is migrated ({phases['migrate']:.2f} s)")
        system = _new_system(target, run_dir, journal, driver, name, database)
        system.own(infrastructure, server)
        await _bring_up_all(system, counts, {}, {}, on_progress)
        await _outlast_their_start(system)
    except BaseException:
        await (infrastructure if system is None else system).close()
        raise
    system.bring_up_seconds = time.monotonic() - began
    phases["instances"] = system.bring_up_seconds - sum(phases.values())
    system.phases = phases
    return system


async def launch_sibling(
    system: System,
    *,
    api_instances: int | None = None,
    workers: int | None = None,
    environment: Mapping[str, str] | None = None,
    worker_environment: Mapping[str, str] | None = None,
    on_progress: Progress = lambda _: None,
) -> System:
    """Bring up another system beside this one: a fresh clone of its migrated database.

    `environment` is for every instance, `worker_environment` for workers on top of it. The
    sibling is closed with `system` unless it was before.
    Raises `Misconfigured` (or `InstanceFailed`) when that cannot be done; nothing is left then.
    """
    target = system.target
    if target.driver == "external":
        raise Misconfigured(
            f'the target {target.name!r} runs elsewhere (driver = "external"): '
            "no second system can be started beside it"
        )
    began = time.monotonic()
    counts = _counts(target, api_instances, workers)
    name = f"own-{secrets.token_hex(4)}"
    database = await _clone(system, name)
    driver = system.plan.driver
    sibling = _new_system(target, system.run_dir, system.journal, driver, name, database)
    system.add_sibling(sibling)
    try:
        common = environment or {}
        more = {**common, **(worker_environment or {})}
        await _bring_up_all(sibling, counts, common, more, on_progress)
    except BaseException:
        await sibling.close()
        raise
    sibling.bring_up_seconds = time.monotonic() - began
    return sibling


def _counts(target: Target, api: int | None, workers: int | None) -> dict[Role, int]:
    declared = target.worker.instances if target.worker else 0
    if workers and target.worker is None:
        raise Misconfigured(f"{workers} workers are wanted, but the target has no [worker]")
    return {
        "api": target.api.instances if api is None else api,
        "worker": declared if workers is None else workers,
    }


async def _own_database(
    server: DatabaseServer,
    driver: Driver,
    target: Target,
    journal: Journal,
    name: str,
    phases: dict[str, float],
) -> DatabaseAccess:
    """Migrate the template and give the system a clone of it."""
    template = f"template_{name}"
    access = DatabaseAccess(
        url=server.url(template, OWNER),
        readonly_url=server.url(template, OBSERVER),
        control_url=server.url(template),
    )
    plan = plan_for(target, journal, driver, name, access, _storage_dir(journal.run_dir, name))
    _make_directories(journal.run_dir, name)
    made = await make_template(server, plan, template)
    phases["migrate"] = made.migrate_seconds
    phases["instrument"] = made.instrument_seconds
    began = time.monotonic()
    own = f"system_{name}"
    await server.create_database(own, template)
    phases["clone"] = time.monotonic() - began
    return DatabaseAccess(
        url=server.url(own, OWNER),
        readonly_url=server.url(own, OBSERVER),
        control_url=server.url(own),
        name=own,
        template=template,
        version=server.version,
    )


async def _clone(system: System, name: str) -> DatabaseAccess:
    """Clone the template for a sibling; without a database of ours there is nothing to clone."""
    original = system.database
    if original.template is None or original.control_url is None:
        return original
    own = name.replace("-", "_")
    await create_database(_with_database(original.control_url, "postgres"), own, original.template)
    return replace(
        original,
        url=_with_database(original.url, own),
        readonly_url=_with_database(original.readonly_url, own),
        control_url=_with_database(original.control_url, own),
        name=own,
    )


def _with_database(url: str | None, name: str) -> str:
    assert url is not None
    return f"{url.rpartition('/')[0]}/{name}"


def _new_system(
    target: Target,
    run_dir: Path,
    journal: Journal,
    driver: Driver,
    name: str,
    database: DatabaseAccess,
) -> System:
    storage_dir = _storage_dir(run_dir, name)
    _make_directories(run_dir, name)
    return System(
        name=name,
        target=target,
        run_dir=run_dir,
        journal=journal,
        plan=plan_for(target, journal, driver, name, database, storage_dir),
        database=database,
        storage_dir=storage_dir,
        home=run_dir / "systems" / name,
    )


def _storage_dir(run_dir: Path, name: str) -> Path:
    return run_dir / "systems" / name / "storage"


def _make_directories(run_dir: Path, name: str) -> None:
    """Make what the instances of a system find when they start. All of it is in the run's own
    directory, which the journal answers for."""
    for path in (
        run_dir / "systems" / name / "tmp",
        run_dir / "systems" / name / "storage",
        run_dir / "logs" / name,
    ):
        path.mkdir(parents=True, exist_ok=True)
    (run_dir / "systems").chmod(0o700)
    (run_dir / "logs").chmod(0o700)


async def _bring_up_all(
    system: System,
    counts: Mapping[Role, int],
    environment: Mapping[str, str],
    worker_environment: Mapping[str, str],
    on_progress: Progress,
) -> None:
    """Start all instances side by side; the first that fails ends the others."""
    await system.plan.driver.prepare(system.plan)

    async def one(name: str, role: Role) -> None:
        extra = environment if role == "api" else worker_environment
        began = time.monotonic()
        system.adopt(await start_instance(system.plan, name, role, extra))
        on_progress(f"{name} is ready ({time.monotonic() - began:.2f} s)")

    roles: tuple[Role, ...] = ("api", "worker")
    wanted = [(f"{role}-{n}", role) for role in roles for n in range(1, counts[role] + 1)]
    tasks = [asyncio.ensure_future(one(name, role)) for name, role in wanted]
    try:
        await asyncio.gather(*tasks)
    finally:
        # After a failure: those that still start end what they have started.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outlast_their_start(system: System) -> None:
    """See to it that workers without a ready path do not end as soon as they have begun.

    Raises `InstanceFailed`. Only where the run begins: a drill has no time to lose, and what died
    here once would be seen here.
    """
    worker = system.target.worker
    if worker is None or worker.ready_path is not None:
        return
    until = time.monotonic() + _OUTLAST_S
    while time.monotonic() < until:
        if told := system.exit_reports():
            raise InstanceFailed(told[0])
        await asyncio.sleep(_POLL_S)
