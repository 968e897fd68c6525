"""A running system, and what can be done to it."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psycopg

from harness import processes
from harness.errors import Misconfigured
from harness.journal import Journal
from harness.logs import tail
from harness.postgres.cluster import Cluster, drop_database
from harness.redaction import Redactor
from harness.system import control
from harness.system.description import Instance, Role, SystemDescription
from harness.system.instances import Running, bring_up, end
from harness.system.plan import DatabaseAccess, Plan, plan_for
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
        self.cluster: Cluster | None = None
        """The database server, in the process that launched it."""
        self._home = home
        self._running: dict[str, Running] = {}
        self._numbers: dict[Role, int] = {}
        self._siblings: list[System] = []
        self._owned = True
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
        """What the backend got: the owner of the database, no superuser, so row security bites."""
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
        journal = Journal.attach(description.run_dir)
        database = DatabaseAccess(
            url=description.database_url,
            readonly_url=description.readonly_url,
            control_url=description.control_url,
            name=description.database_name,
            template=description.template_name,
            version=description.postgres_version,
        )
        plan = plan_for(target, journal, description.name, database, description.storage_dir)
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
        for instance in (*description.api, *description.workers):
            system.adopt(Running(instance=instance, entry="", child=None))
        system._owned = False
        return system

    def adopt(self, running: Running) -> Instance:
        """Make an instance one of this system's."""
        self._running[running.instance.name] = running
        return running.instance

    def add_sibling(self, sibling: "System") -> None:
        """Remember a system that must be closed before this one."""
        self._siblings.append(sibling)

    def is_alive(self, instance: Instance) -> bool:
        """Say whether the instance's process runs; a paused one does."""
        return self._running[instance.name].is_alive()

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        """Give the last lines that an instance printed, without secrets."""
        return Redactor(self.secrets)(tail(instance.log_path, lines))

    async def kill(self, instance: Instance) -> None:
        """SIGKILL the instance and its children; done when they are dead."""
        await control.kill(self._controlled(instance))

    async def pause(self, instance: Instance) -> None:
        """SIGSTOP the instance and its children; done when it stands still."""
        await control.pause(self._controlled(instance))

    async def resume(self, instance: Instance) -> None:
        """SIGCONT the instance and its children; done when it runs again."""
        await control.resume(self._controlled(instance))

    async def stop(self, instance: Instance, grace_s: float | None = None) -> int | None:
        """SIGTERM the instance, SIGKILL it after the grace (default: the target's).

        Gives its exit code, -9 when it was killed, None when another process started it and
        only that one can know.
        """
        grace = self.plan.table(instance.role).stop_grace_s if grace_s is None else grace_s
        return await control.stop(self._controlled(instance), grace)

    async def restart(
        self, instance: Instance, environment: Mapping[str, str] | None = None
    ) -> Instance:
        """Kill the instance if it runs and start it again: same name and port.

        It gets the environment that it had before unless given another one.
        Raises `InstanceFailed` when it does not get ready again.
        """
        before = self._controlled(instance)
        end(self.journal, before)
        port = int(instance.base_url.rpartition(":")[2])
        extra = before.instance.environment if environment is None else environment
        return self.adopt(await bring_up(self.plan, instance.name, instance.role, extra, port))

    async def start(self, role: Role, environment: Mapping[str, str] | None = None) -> Instance:
        """Start one more instance and wait until it is ready."""
        self._refuse_without_processes()
        # Taken at once: several may be started side by side, each under a name of its own.
        taken = max(map(_number, self._of_role(role)), default=0)
        number = self._numbers[role] = 1 + max(taken, self._numbers.get(role, 0))
        return self.adopt(await bring_up(self.plan, f"{role}-{number}", role, environment or {}))

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
        self._end_all()
        if self.cluster is not None:
            await self.cluster.stop()
        elif self.database.name is not None and self.database.control_url is not None:
            await self._drop_database(self.database.control_url, self.database.name)
        if self._home is not None:
            await asyncio.to_thread(shutil.rmtree, self._home, ignore_errors=True)

    async def _drop_database(self, control_url: str, name: str) -> None:
        # A drill may have killed the server; then the database goes with the run's directory.
        with contextlib.suppress(psycopg.OperationalError):
            await drop_database(_other_database(control_url), name)

    def _end_all(self) -> None:
        """Kill all at once, then wait: a worker must not see the API go and log about it."""
        leaders = [running.process for running in self._running.values()]
        processes.send(filter(None, leaders), signal.SIGKILL)
        for running in self._running.values():
            if running.process is not None:
                end(self.journal, running)

    def _of_role(self, role: Role) -> tuple[Instance, ...]:
        found = (running.instance for running in self._running.values())
        ours = [instance for instance in found if instance.role == role]
        return tuple(sorted(ours, key=_number))

    def _controlled(self, instance: Instance) -> Running:
        running = self._running[instance.name]
        if running.process is None:
            raise Misconfigured(
                f"{instance.name} at {instance.base_url} was not started by the harness; "
                f"driver = {self.target.driver!r} cannot be controlled"
            )
        return running

    def _refuse_without_processes(self) -> None:
        if self.target.driver != "process":
            raise Misconfigured(f"driver = {self.target.driver!r} cannot start instances")


def _number(instance: Instance) -> int:
    return int(instance.name.rpartition("-")[2])


def _other_database(url: str) -> str:
    """Give the same server's maintenance database: one cannot be dropped from within."""
    return url.rpartition("/")[0] + "/postgres"
