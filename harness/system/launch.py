"""Bringing systems up."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import Inconclusive, InstanceFailed, Misconfigured
from harness.instances.database_access import DatabaseAccess, with_database
from harness.instances.description import Role
from harness.instances.plan import Plan
from harness.instances.start import start_instance
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import DatabaseServer, create_database
from harness.postgres.template import OBSERVER, OWNER
from harness.system.databases import make_template
from harness.system.external import find_external
from harness.system.infrastructure import Infrastructure
from harness.system.system import System
from harness.target.target import Target
from harness.target.values.libpq_variables import SESSION, set_aside
from harness.waiting import becomes_true

if TYPE_CHECKING:
    from harness.instances.network import Network

Progress = Callable[[str], None]

_OUTLAST_S = 1.0
"""How long a program that cannot be asked must run before it counts as started."""


async def launch(
    target: Target,
    *,
    journal: Journal,
    on_progress: Progress = lambda _: None,
    api_instances: int | None = None,
    workers: int | None = None,
    name: str = "main",
) -> System:
    """Bring up a system and wait until all of it is ready.

    `api_instances` and `workers` win over the target's. `on_progress` gets a line for every step.
    Sets libpq's environment variables aside, for this process and those that it starts: all of
    them for a server of ours, those that a DSN should not depend on for one that runs elsewhere.
    Raises `Misconfigured` (or `InstanceFailed`) when that cannot be done; nothing is left then.
    """
    began = time.monotonic()
    counts = _counts(target, api_instances, workers)
    if target.driver == "external":
        set_aside(SESSION)
        return await find_external(target, journal, on_progress, name)
    if target.has_own_server:
        set_aside()
    infrastructure = Infrastructure(target, journal, on_progress)
    closed_on_failure: Infrastructure | System = infrastructure
    try:
        await infrastructure.start()
        plan = Plan(
            name=name,
            target=infrastructure.target,
            journal=journal,
            driver=infrastructure.driver,
            database=DatabaseAccess(),
            keys=infrastructure.key_set,
        )
        _make_directories(plan)
        if server := infrastructure.server:
            migrating = time.monotonic()
            on_progress(f"PostgreSQL {server.version} is up ({migrating - began:.2f} s)")
            plan = replace(plan, database=await _own_database(server, plan))
            on_progress(f"the database is migrated ({time.monotonic() - migrating:.2f} s)")
        closed_on_failure = system = System(plan)
        system.infrastructure = infrastructure
        await _start_all(system, counts, {}, {}, on_progress)
        await _outlast_their_start(system)
    except BaseException:
        await closed_on_failure.close()
        raise
    system.bring_up_seconds = time.monotonic() - began
    return system


async def launch_sibling(
    system: System,
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
) -> System:
    """Bring up another system beside this one: a fresh clone of its migrated database.

    `proxied`: its instances reach the database through proxies that the harness controls
    (`System.network`). `own_server`: it has a database server that no other system uses.
    `storage_bytes`: its objects are on a file system of this size (see `System.limit_storage`);
    `database_bytes`: so is the data of its own server.

    `values` are placeholders that mean something else in this system, such as `drain_grace_s`.

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
    server, plan = None, replace(system.plan, name=name, own_values=values or {})
    if own_server:
        server, plan = await _with_own_server(plan, database_bytes)
    else:
        plan = replace(plan, database=await _clone(system.database, name))
    if proxied:
        plan = replace(plan, network=_network_of(plan))
    sibling = System(plan)
    sibling.own_server = server
    system.add_sibling(sibling)
    try:
        _make_directories(plan)
        if storage_bytes is not None:
            sibling.limit_storage(storage_bytes)
        common = environment or {}
        await _start_all(sibling, counts, common, {**common, **(worker_environment or {})})
    except BaseException:
        await sibling.close()
        raise
    sibling.bring_up_seconds = time.monotonic() - began
    return sibling


def _counts(target: Target, api: int | None, workers: int | None) -> dict[Role, int]:
    declared = target.worker.instances if target.worker else 0
    if workers and target.worker is None:
        raise Misconfigured(f"{workers} workers are needed, but the target has no [worker]")
    if workers is not None and _works_in_the_api(target) and (workers or api != 0):
        wanted = f"{workers} workers of its own" if workers else "a system without workers"
        raise Inconclusive(
            f"this check needs {wanted}, and the target file names no program for them: where "
            "workers run inside the API processes, name that program as [worker] command, too, "
            "and switch its worker off in [api.environment]"
        )
    return {
        "api": target.api.instances if api is None else api,
        "worker": declared if workers is None else workers,
    }


def _works_in_the_api(target: Target) -> bool:
    """Whether exports are done without a program that the target file names."""
    worker = target.worker
    return worker is not None and target.driver == "process" and worker.command is None


async def _own_database(server: DatabaseServer, plan: Plan) -> DatabaseAccess:
    """Migrate the template and give the system a clone of it."""
    template = f"template_{plan.name}".replace("-", "_")
    await make_template(server, replace(plan, database=_access(server, template)))
    own = f"system_{plan.name}".replace("-", "_")
    await server.create_database(own, template)
    return replace(_access(server, own), template=template)


async def _with_own_server(plan: Plan, disk_bytes: int | None) -> tuple[Cluster, Plan]:
    """Start a server for one system, and migrate its database there."""
    database = plan.target.database
    if database.source != "embedded":
        raise Inconclusive(
            "this check harms a database server, so its system needs one of its own: only "
            f'[database] source = "embedded" has that, not {database.source!r}'
        )
    server = await Cluster.start(plan.journal, database.settings, database.binaries, disk_bytes)
    try:
        _make_directories(plan)
        return server, replace(plan, database=await _own_database(server, plan))
    except BaseException:
        await server.stop()
        raise


def _network_of(plan: Plan) -> "Network":
    """Give the proxies of a system; they open when an instance starts."""
    host = plan.driver.harness_host
    if host is None:
        raise Inconclusive(
            "containers of this engine cannot reach a server of the harness, so their connections "
            "cannot go through a proxy"
        )
    # Loaded here: most systems have no proxies.
    from harness.instances.network import Network  # noqa: PLC0415

    return Network(plan.database.url, host)


def _access(server: DatabaseServer, name: str) -> DatabaseAccess:
    return DatabaseAccess(
        url=server.url(name, OWNER),
        readonly_url=server.url(name, OBSERVER),
        control_url=server.url(name),
        name=name,
        version=server.version,
    )


async def _clone(original: DatabaseAccess, system_name: str) -> DatabaseAccess:
    """Clone the template for a sibling; without a database of ours there is nothing to clone."""
    if not (original.template and original.url and original.readonly_url and original.control_url):
        return original
    name = system_name.replace("-", "_")
    control_url = with_database(original.control_url, "postgres")
    await create_database(control_url, name, original.template)
    return replace(
        original,
        url=with_database(original.url, name),
        readonly_url=with_database(original.readonly_url, name),
        control_url=with_database(original.control_url, name),
        name=name,
    )


def _make_directories(plan: Plan) -> None:
    """Make what the instances of a system find when they start, in the run's own directory."""
    assert plan.storage_dir is not None
    for path in (plan.temp_dir, plan.storage_dir, plan.log_dir):
        path.mkdir(parents=True, exist_ok=True)
    for path in (plan.home, plan.log_dir):
        path.parent.chmod(0o700)


async def _start_all(
    system: System,
    counts: Mapping[Role, int],
    environment: Mapping[str, str],
    worker_environment: Mapping[str, str],
    on_progress: Progress = lambda _: None,
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
    """Make sure that workers without a ready path do not end as soon as they have started.

    Raises `InstanceFailed`. Only where the run begins: a drill has no time to lose, and what died
    here once would be seen here.
    """
    worker = system.target.worker
    if worker is None or worker.ready_path is not None:
        return
    if await becomes_true(system.exit_reports, _OUTLAST_S):
        raise InstanceFailed(system.exit_reports()[0])
