"""A running system, and what can be done to it."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg

from harness.errors import Misconfigured
from harness.instances.database_access import with_database
from harness.instances.description import Instance, Role, SystemDescription
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Plan
from harness.instances.start import start_instance
from harness.machine.journal import Journal
from harness.machine.logs import describe_end, tail
from harness.machine.mounts import mount_memory, unmount
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import DatabaseServer, drop_database
from harness.redaction.redactor import Redactor
from harness.system.infrastructure import Infrastructure, attach_driver
from harness.system.token_keys import TokenKeys
from harness.target.load import load_target
from harness.target.values.hosts import is_on_loopback

if TYPE_CHECKING:
    from harness.instances.network import Network


class System:
    """A backend that runs: its instances, its database, its storage.

    Made by `launch`, `launch_sibling` and `attach`. Not bound to an event loop. Instances are
    values: after `restart` and `start`, `api` and `workers` hold the new ones.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.name = plan.name
        self.target = plan.target
        self.journal = plan.journal
        self.run_dir = plan.journal.run_dir
        self.database = plan.database
        self.storage_dir = plan.storage_dir
        """Where the backend stores objects; None for a backend that runs elsewhere."""
        self.bring_up_seconds = 0.0
        """From the call of `launch` to the last instance being ready."""
        self.infrastructure: Infrastructure | None = None
        """What all systems of the run share: ended with this one; None in every other system."""
        self.own_server: Cluster | None = None
        """The server of this system alone, which it may harm: ended with it; None: a shared one."""
        self._handles: dict[str, InstanceHandle] = {}
        self._numbers: dict[Role, int] = {}
        self._ended: set[str] = set()
        """The names of the instances that were ended from here."""
        self._siblings: list[System] = []
        self._mount: str | None = None
        """The journal's entry of the file system for objects."""
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
        """As the server reports it, such as `18.4`; None without a database of its own."""
        return self.database.version

    @property
    def harness_host(self) -> str | None:
        """Where instances reach a server that the harness runs; None where they cannot.

        A backend that runs elsewhere has a loopback of its own.
        """
        urls = self.target.api.base_urls if self.target.driver == "external" else ()
        return self.plan.driver.harness_host if all(map(is_on_loopback, urls)) else None

    @property
    def network(self) -> "Network | None":
        """The proxies between its parts, where it was launched with them."""
        return self.plan.network

    @property
    def log_dir(self) -> Path:
        """Where the logs of this system's instances and its migration are."""
        return self.plan.log_dir

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that must not reach a report: the target's secrets and our passwords."""
        return self.plan.secrets

    @property
    def database_server(self) -> DatabaseServer | None:
        """The database server, in the process that launched it."""
        if self.own_server is not None:
            return self.own_server
        return self.infrastructure.server if self.infrastructure is not None else None

    def describe(self) -> SystemDescription:
        """Give what another process of the same run needs to work with this system."""
        return SystemDescription(
            name=self.name,
            run_dir=self.run_dir,
            origin=self.target.origin,
            api=self.api,
            workers=self.workers,
            bring_up_seconds=self.bring_up_seconds,
            database=self.database,
            images=self.plan.driver.images,
            jwks_url=self.plan.keys.url if self.plan.keys else None,
        )

    @classmethod
    def attach(cls, description: SystemDescription) -> Self:
        """Work with a system that another process of this run has launched.

        Its instances can be controlled and siblings launched; closing it ends only those.
        """
        origin, database = description.origin, description.database
        target = load_target(origin.file, allow_faults=origin.allow_faults)
        if target.sha256 != origin.sha256:
            raise Misconfigured(f"{origin.file} has changed since the run began; start it again")
        if database.readonly_url is not None and target.database.source == "none":
            target = target.reading(database.readonly_url)
        journal = Journal.attach(description.run_dir)
        driver = attach_driver(target, journal, description.images)
        keys = TokenKeys.attach(target, description.run_dir)
        if keys is not None:
            target = target.signing_with(keys.key)
        system = cls(
            Plan(
                name=description.name,
                target=target,
                journal=journal,
                driver=driver,
                database=database,
                keys=keys.shown_at(description.jwks_url) if keys else None,
            )
        )
        system.bring_up_seconds = description.bring_up_seconds
        for instance in (*description.api, *description.workers):
            system.adopt(driver.attach(instance))
        system._owned = False
        return system

    def adopt(self, handle: InstanceHandle) -> Instance:
        """Make an instance one of this system's."""
        self._ended.discard(handle.instance.name)
        self._handles[handle.instance.name] = handle
        return handle.instance

    def add_sibling(self, sibling: "System") -> None:
        """Remember a system that must be closed before this one."""
        self._siblings.append(sibling)

    def is_alive(self, instance: Instance) -> bool:
        """Say whether the instance runs; a paused one does."""
        return self._handles[instance.name].is_alive()

    def exit_reports(self) -> list[str]:
        """Say of each instance that is no longer running how it ended, with its last log lines."""
        reports = []
        for instance in (*self.api, *self.workers):
            if not self.is_alive(instance):
                last = self.log_tail(instance, 5)
                reports.append(
                    f"{instance.name} is no longer running{self._how(instance)}; its last log "
                    f"lines:\n{last}"
                )
        return reports

    def ended_by_themselves(self) -> Mapping[str, str]:
        """Say of each instance that ended though nobody ended it how it did, by its name."""
        return {
            each.name: f"{each.name} ended by itself{self._how(each)}; its last log lines:\n"
            f"{self.log_tail(each, 5)}"
            for each in (*self.api, *self.workers)
            if each.name not in self._ended and not self.is_alive(each)
        }

    def _how(self, instance: Instance) -> str:
        code = self.exit_code(instance)
        return "" if code is None else f": {describe_end(code)}"

    def is_paused(self, instance: Instance) -> bool:
        """Say whether the instance is paused."""
        return self._handles[instance.name].is_paused()

    def is_cut_off(self, instance: Instance) -> bool:
        """Say whether the instance was cut off from the network."""
        return self._handles[instance.name].is_cut_off()

    def exit_code(self, instance: Instance) -> int | None:
        """How the instance ended, negative for a signal; None while it runs, or if unknown."""
        return self._handles[instance.name].exit_code()

    def resume_command(self, instance: Instance) -> tuple[str, ...]:
        """Give the command that undoes `pause`, for the journal."""
        return self._handles[instance.name].resume_command()

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        """Give the last lines that an instance printed, without secrets."""
        return Redactor(self.secrets)(tail(instance.log_path, lines))

    async def kill(self, instance: Instance) -> None:
        """SIGKILL the instance and its children; done when they are dead."""
        self._ended.add(instance.name)
        await self._handles[instance.name].kill()

    async def pause(self, instance: Instance) -> None:
        """SIGSTOP the instance and its children; done when it is paused."""
        await self._handles[instance.name].pause()

    async def resume(self, instance: Instance) -> None:
        """SIGCONT the instance and its children; done when it runs again."""
        await self._handles[instance.name].resume()

    async def disconnect(self, instance: Instance) -> None:
        """Cut the instance off from the network (`network`): from its clients, from the database.

        It runs on; what it has open hangs, it is not refused.
        """
        await self._handles[instance.name].disconnect()

    async def reconnect(self, instance: Instance) -> None:
        """Give the instance the network back, at the same address for its clients."""
        await self._handles[instance.name].reconnect()

    async def stop(self, instance: Instance, grace_s: float | None = None) -> int | None:
        """SIGTERM the instance, SIGKILL it after the grace (default: the target's).

        Gives its exit code, -9 when it was killed, None when another process started it and
        only that one can know.
        """
        self._ended.add(instance.name)
        grace = self.plan.table(instance.role).stop_grace_s if grace_s is None else grace_s
        return await self._handles[instance.name].stop(grace)

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
        before = self._handles[instance.name]
        self._ended.add(instance.name)
        before.end()
        port = int(instance.base_url.rpartition(":")[2])
        extra = before.instance.environment if environment is None else environment
        return self.adopt(
            await start_instance(self.plan, instance.name, instance.role, extra, port)
        )

    async def start(
        self,
        role: Role,
        environment: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Instance:
        """Start one more instance and wait until it is ready.

        `values` are placeholders that mean something else for this instance, until it is restarted:
        with the `instance` of another one it works under that one's name.
        """
        self._refuse_elsewhere("nothing of this backend was started by the harness")
        # Taken at once: several may be started side by side, each under a name of its own.
        taken = max(map(_number, self._of_role(role)), default=0)
        number = self._numbers[role] = 1 + max(taken, self._numbers.get(role, 0))
        plan = replace(self.plan, own_values={**self.plan.own_values, **(values or {})})
        return self.adopt(await start_instance(plan, f"{role}-{number}", role, environment or {}))

    async def close(self) -> None:
        """End everything this system started and remove what it stored; safe to call twice.

        Siblings are closed first. The logs stay until the run's directory is removed.
        """
        if self._closed:
            return
        self._closed = True
        for sibling in self._siblings:
            await sibling.close()
        if not self._owned:
            self.journal.close()
            return
        self.plan.driver.end_all(tuple(self._handles.values()))
        if self.network is not None:
            await self.network.close()
        access = self.database
        if self.own_server is not None:
            await self.own_server.stop()
        elif self.infrastructure is None and access.name and access.control_url:
            # A drill may have killed the server; then its data goes with the run's directory.
            with contextlib.suppress(psycopg.OperationalError):
                await drop_database(with_database(access.control_url, "postgres"), access.name)
        self.plan.driver.clear(self.plan)
        self._unmount_storage()
        if self.infrastructure is not None:
            await self.infrastructure.close()
        await asyncio.to_thread(shutil.rmtree, self.plan.home, ignore_errors=True)

    def limit_storage(self, size_bytes: int) -> None:
        """Give the backend's objects a file system of their own of this size, before it starts.

        Raises `Misconfigured` where it cannot be mounted (see `cannot_mount`).
        """
        assert self.storage_dir is not None
        self._mount = mount_memory(self.journal, self.storage_dir, size_bytes)

    @property
    def has_own_storage(self) -> bool:
        """Whether the backend's objects are on a file system of their own."""
        return self._mount is not None

    def _unmount_storage(self) -> None:
        if self._mount is not None and self.storage_dir is not None:
            if problem := unmount(self.storage_dir):
                raise Misconfigured(problem)
            self.journal.undone(self._mount)
            self._mount = None

    def _of_role(self, role: Role) -> tuple[Instance, ...]:
        found = (handle.instance for handle in self._handles.values())
        ours = [instance for instance in found if instance.role == role]
        return tuple(sorted(ours, key=_number))

    def _refuse_elsewhere(self, why: str) -> None:
        if self.target.driver == "external":
            raise Misconfigured(f'{why}; driver = "external" cannot start instances')


def _number(instance: Instance) -> int:
    return int(instance.name.rpartition("-")[2])
