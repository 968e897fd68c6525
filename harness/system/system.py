"""A running system, and what can be done to it."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psycopg

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance, Role, SystemDescription
from harness.instances.external_handle import ExternalHandle
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Plan, plan_for
from harness.instances.start import start_instance
from harness.machine.journal import Journal
from harness.machine.logs import describe_end, tail
from harness.postgres.cluster import drop_database
from harness.redaction.redactor import Redactor
from harness.system.database_server import DatabaseServer
from harness.system.infrastructure import Infrastructure, attach_driver
from harness.target.load import load_target
from harness.target.target import Target


class System:
    """A backend that runs: its instances, its database, its storage.

    Made by `launch`, `launch_sibling` and `attach`. Not bound to an event loop. Instances are
    values: after `restart` and `start`, `api` and `workers` hold the new ones.
    """

    def __init__(
        self,
        *,
        name: str,
        target: Target,
        run_dir: Path,
        journal: Journal,
        plan: Plan,
        database: DatabaseAccess,
        storage_dir: Path | None,
        home: Path | None,
    ) -> None:
        self.name = name
        self.target = target
        self.run_dir = run_dir
        self.journal = journal
        self.plan = plan
        self.database = database
        self.storage_dir = storage_dir
        """Where the backend stores objects; None for a backend that runs elsewhere."""
        self.bring_up_seconds = 0.0
        """From the call of `launch` to the last instance being ready."""
        self.phases: dict[str, float] = {}
        """Where that time went, in seconds."""
        self.database_server: DatabaseServer | None = None
        """The database server, in the process that launched it."""
        self._home = home
        self._running: dict[str, InstanceHandle] = {}
        self._numbers: dict[Role, int] = {}
        self._siblings: list[System] = []
        self._owned = True
        self._shared: Infrastructure | None = None
        self._closed = False

    @property
    def api(self) -> tuple[Instance, ...]:
        """The API instances, killed ones included."""
        return self._of_role("api")

    @property
    def workers(self) -> tuple[Instance, ...]:
        """The workers, killed ones included."""
        return self._of_role("worker")

    @property
    def database_url(self) -> str | None:
        """As what the backend got: the owner of the database, no superuser, so row security bites.

        It leads there from here; instances may need another way (`plan.values`).
        """
        return self.database.url

    @property
    def readonly_url(self) -> str | None:
        """Reads everything, row security or not, and changes nothing."""
        return self.database.readonly_url

    @property
    def control_url(self) -> str | None:
        """A superuser of the cluster, in this system's database (`database-control`)."""
        return self.database.control_url

    @property
    def postgres_version(self) -> str | None:
        """As the server tells it, such as `18.4`; None without an own database."""
        return self.database.version

    @property
    def harness_host(self) -> str | None:
        """Where instances reach a server that the harness runs; None where they cannot."""
        return self.plan.driver.harness_host

    @property
    def log_dir(self) -> Path:
        """Where the logs of this system's instances and its migration are."""
        return self.plan.log_dir

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that must not reach a report: the target's secrets and our passwords."""
        return self.plan.secrets

    def describe(self) -> SystemDescription:
        """Give what another process of the same run needs to work with this system."""
        return SystemDescription(
            name=self.name,
            target_file=self.target.file,
            run_dir=self.run_dir,
            api=self.api,
            workers=self.workers,
            bring_up_seconds=self.bring_up_seconds,
            database_name=self.database.name,
            template_name=self.database.template,
            database_url=self.database.url,
            readonly_url=self.database.readonly_url,
            control_url=self.database.control_url,
            storage_dir=self.storage_dir,
            postgres_version=self.database.version,
            target_sha256=self.target.sha256,
            allow_faults=self.target.allow_faults,
            database_was_given=self.target.database_was_given,
            images=self.plan.driver.images,
        )

    @classmethod
    def attach(cls, description: SystemDescription) -> Self:
        """Work with a system that another process of this run has launched.

        Its instances can be controlled and siblings launched; closing it ends only those.
        """
        target = load_target(description.target_file, allow_faults=description.allow_faults)
        if target.sha256 != description.target_sha256:
            raise Misconfigured(
                f"{description.target_file} has changed since the run began; start it again"
            )
        if description.database_was_given and description.readonly_url is not None:
            target = target.reading(description.readonly_url)
        journal = Journal.attach(description.run_dir)
        database = DatabaseAccess(
            url=description.database_url,
            readonly_url=description.readonly_url,
            control_url=description.control_url,
            name=description.database_name,
            template=description.template_name,
            version=description.postgres_version,
        )
        driver = attach_driver(target, journal, description.images)
        plan = plan_for(
            target, journal, driver, description.name, database, description.storage_dir
        )
        system = cls(
            name=description.name,
            target=target,
            run_dir=description.run_dir,
            journal=journal,
            plan=plan,
            database=database,
            storage_dir=description.storage_dir,
            home=None,
        )
        system.bring_up_seconds = description.bring_up_seconds
        is_elsewhere = target.driver == "external"
        for instance in (*description.api, *description.workers):
            system.adopt(
                ExternalHandle(instance=instance) if is_elsewhere else driver.attach(instance)
            )
        system._owned = False
        return system

    def adopt(self, running: InstanceHandle) -> Instance:
        """Make an instance one of this system's."""
        self._running[running.instance.name] = running
        return running.instance

    def own(self, shared: Infrastructure, server: DatabaseServer | None) -> None:
        """Answer for what all systems of the run share: it goes when this system is closed."""
        self._shared = shared
        self.database_server = server

    def add_sibling(self, sibling: "System") -> None:
        """Remember a system that must be closed before this one."""
        self._siblings.append(sibling)

    def is_alive(self, instance: Instance) -> bool:
        """Say whether the instance runs; a paused one does."""
        return self._running[instance.name].is_alive()

    def exit_reports(self) -> list[str]:
        """Tell of each instance that runs no longer how it ended, and what it said at last."""
        told = []
        for instance in (*self.api, *self.workers):
            if self.is_alive(instance):
                continue
            code = self.exit_code(instance)
            how = "" if code is None else f": {describe_end(code)}"
            last = self.log_tail(instance, 5)
            told.append(f"{instance.name} runs no longer{how}; its last words:\n{last}")
        return told

    def is_paused(self, instance: Instance) -> bool:
        """Say whether the instance stands still."""
        return self._running[instance.name].is_paused()

    def exit_code(self, instance: Instance) -> int | None:
        """How the instance ended, negative for a signal; None while it runs, or if nobody knows."""
        return self._running[instance.name].exit_code()

    def resume_command(self, instance: Instance) -> tuple[str, ...]:
        """Give the command that undoes `pause`, for the journal."""
        return self._running[instance.name].resume_command()

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        """Give the last lines that an instance printed, without secrets."""
        return Redactor(self.secrets)(tail(instance.log_path, lines))

    async def kill(self, instance: Instance) -> None:
        """SIGKILL the instance and its children; done when they are dead."""
        await self._running[instance.name].kill()

    async def pause(self, instance: Instance) -> None:
        """SIGSTOP the instance and its children; done when it stands still."""
        await self._running[instance.name].pause()

    async def resume(self, instance: Instance) -> None:
        """SIGCONT the instance and its children; done when it runs again."""
        await self._running[instance.name].resume()

    async def disconnect(self, instance: Instance) -> None:
        """Cut the instance off from the network (`network`): from its clients, from the database.

        It runs on; what it has open hangs, it is not refused.
        """
        await self._running[instance.name].disconnect()

    async def reconnect(self, instance: Instance) -> None:
        """Give the instance the network back, at the same address for its clients."""
        await self._running[instance.name].reconnect()

    async def stop(self, instance: Instance, grace_s: float | None = None) -> int | None:
        """SIGTERM the instance, SIGKILL it after the grace (default: the target's).

        Gives its exit code, -9 when it was killed, None when another process started it and
        only that one can know.
        """
        grace = self.plan.table(instance.role).stop_grace_s if grace_s is None else grace_s
        return await self._running[instance.name].stop(grace)

    async def restart(
        self, instance: Instance, environment: Mapping[str, str] | None = None
    ) -> Instance:
        """Kill the instance if it runs and start it again: same name and port.

        It gets the environment that it had before unless given another one.
        Raises `InstanceFailed` when it does not get ready again.
        """
        self._refuse_elsewhere(
            f"{instance.name} at {instance.base_url} was not started by the harness"
        )
        before = self._running[instance.name]
        before.end()
        port = int(instance.base_url.rpartition(":")[2])
        extra = before.instance.environment if environment is None else environment
        return self.adopt(
            await start_instance(self.plan, instance.name, instance.role, extra, port)
        )

    async def start(self, role: Role, environment: Mapping[str, str] | None = None) -> Instance:
        """Start one more instance and wait until it is ready."""
        self._refuse_elsewhere("nothing of this backend was started by the harness")
        # Taken at once: several may be started side by side, each under a name of its own.
        taken = max(map(_number, self._of_role(role)), default=0)
        number = self._numbers[role] = 1 + max(taken, self._numbers.get(role, 0))
        return self.adopt(
            await start_instance(self.plan, f"{role}-{number}", role, environment or {})
        )

    async def close(self) -> None:
        """End everything this system started and remove what it stored; safe to call twice.

        The logs stay until the run's directory goes. Siblings go first.
        """
        if self._closed:
            return
        self._closed = True
        for sibling in self._siblings:
            await sibling.close()
        if not self._owned:
            self.journal.close()
            return
        self.plan.driver.end_all(tuple(self._running.values()))
        access = self.database
        if self._shared is None and access.name is not None and access.control_url is not None:
            await self._drop_database(access.control_url, access.name)
        self.plan.driver.clear(self.plan)
        if self._shared is not None:
            await self._shared.close()
        if self._home is not None:
            await asyncio.to_thread(shutil.rmtree, self._home, ignore_errors=True)

    async def _drop_database(self, control_url: str, name: str) -> None:
        # A drill may have killed the server; then the database goes with the run's directory.
        with contextlib.suppress(psycopg.OperationalError):
            await drop_database(_other_database(control_url), name)

    def _of_role(self, role: Role) -> tuple[Instance, ...]:
        found = (running.instance for running in self._running.values())
        ours = [instance for instance in found if instance.role == role]
        return tuple(sorted(ours, key=_number))

    def _refuse_elsewhere(self, why: str) -> None:
        if self.target.driver == "external":
            raise Misconfigured(f'{why}; driver = "external" cannot start instances')


def _number(instance: Instance) -> int:
    return int(instance.name.rpartition("-")[2])


def _other_database(url: str) -> str:
    """Give the same server's maintenance database: one cannot be dropped from within."""
    return url.rpartition("/")[0] + "/postgres"
