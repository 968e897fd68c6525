"""How the instances of one system are started: the driver, and the plan that it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess, parts_of
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.machine.journal import Journal
from harness.machine.ports import LOOPBACK
from harness.machine.processes import Process
from harness.target.tables.models import Api, Migrate, Worker
from harness.target.target import Target

if TYPE_CHECKING:
    from harness.instances.network import Network


class PortTaken(Exception):
    """Another program took the port after it was chosen and before the instance had it."""


class Driver:
    """One way of running a backend's programs, for all systems of a run.

    As it stands: for driver `external`, which starts nothing.
    """

    images: Mapping[str, str] = {}
    """The image of each piece, for another process of the run; empty without containers."""

    @property
    def harness_host(self) -> str | None:
        """Where instances reach a server that the harness runs; None where they cannot."""
        return LOOPBACK

    def values(self, database_url: str | None, storage_dir: Path | None) -> dict[str, str]:
        """Give placeholders as instances need them, from what the harness itself uses."""
        seen = {"database_url": database_url, "storage_dir": storage_dir}
        return {name: str(value) for name, value in seen.items() if value is not None}

    def seen(self, keys: "KeySet") -> dict[str, str]:
        """Give the placeholders by which instances get the public keys of tokens."""
        url = {} if keys.url is None else {"jwks_url": keys.url}
        return {**url, "jwks_file": str(keys.file), "jwt_public_key": keys.public_pem}

    async def prepare(self, plan: "Plan") -> None:
        """Make what the instances of one system share besides its directories."""

    async def start(
        self, plan: "Plan", name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> InstanceHandle:
        """Start an instance that is reached at this port of loopback; it need not be ready.

        Raises `Misconfigured` when it cannot be started, `PortTaken` when it lost its port.
        """
        raise NotImplementedError

    def attach(self, instance: Instance) -> InstanceHandle:
        """Control an instance that another process of the run has started."""
        return InstanceHandle(instance=instance)

    async def migrate(self, plan: "Plan", program: Migrate) -> str:
        """Run the program that migrates the database; give what went wrong, or nothing."""
        raise NotImplementedError

    def end_all(self, running: Sequence[InstanceHandle]) -> None:
        """End all at once: a worker must not see the API go and log about it."""

    def clear(self, plan: "Plan") -> None:
        """Remove what `prepare` has made."""


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """The public keys that a backend checks tokens with."""

    file: Path
    """A JWK set, which any user may read, in a folder of its own."""
    public_pem: str
    url: str | None = None
    """Where the set is served; None where the target asks for no URL."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One system, before it runs: what its instances are started from, with what and where."""

    name: str
    target: Target
    journal: Journal
    driver: Driver
    database: DatabaseAccess
    keys: KeySet | None = None
    """None where tokens are not signed with a key pair."""
    network: "Network | None" = None
    """The proxies between its parts; None: all of them are connected directly."""
    own_values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Placeholders that mean something else in this system, or for this instance."""

    @property
    def home(self) -> Path:
        """The system's own directory, in the run's."""
        return self.journal.run_dir / "systems" / self.name

    @property
    def directory(self) -> Path:
        """Where instances run."""
        return Path(self.target.directory) if self.target.directory else self.home

    @property
    def temp_dir(self) -> Path:
        """The TMPDIR of instances, so that a killed one leaves nothing in the machine's."""
        return self.home / "tmp"

    @property
    def storage_dir(self) -> Path | None:
        """Where the backend stores objects, as the harness sees it; None if it runs elsewhere."""
        return None if self.target.driver == "external" else self.home / "storage"

    @property
    def log_dir(self) -> Path:
        """Where instances, and the migration, print to."""
        return self.journal.run_dir / "logs" / self.name

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Placeholders as instances see this system: `database_url`, `storage_dir`, keys.

        And the parts of that DSN, for a program that connects as a role of its own.
        """
        values = self.driver.values(self.database.url, self.storage_dir)
        keys = self.driver.seen(self.keys) if self.keys is not None else {}
        return {**values, **parts_of(values.get("database_url")), **keys}

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What must not be in a message: the target's secrets and our passwords."""
        return self.target.secrets | self.database.passwords()

    def table(self, role: Role) -> Api | Worker:
        """Give what the target says about a role."""
        if role == "api":
            return self.target.api
        if self.target.worker is None:
            raise Misconfigured(f"the target {self.target.name!r} has no [worker]")
        return self.target.worker

    def filled_in(
        self, table: Api | Worker | Migrate, values: Mapping[str, str]
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Give command and environment of a table, with this system's and the given values."""
        known = {**self.values, **values, **self.own_values}
        command = self.target.expand_command(table.command or (), known)
        return command, self.target.expand_environment(table.environment, known)

    def instance(
        self,
        name: str,
        role: Role,
        port: int,
        extra: Mapping[str, str],
        process: Process | None,
        container: str | None = None,
    ) -> Instance:
        """Describe an instance of this system that was started on a port of loopback."""
        return Instance(
            name=name,
            role=role,
            base_url=f"http://{LOOPBACK}:{port}",
            log_path=self.log_path(name),
            container=container,
            pid=process.pid if process else None,
            started=process.started if process else "",
            environment=dict(extra),
        )

    def log_path(self, name: str) -> Path:
        """Give where an instance, or the migration, prints to."""
        return self.log_dir / f"{name}.log"

    def fixed_port(self, role: Role) -> int | None:
        """Give the port that a backend insists on; a container has all ports to itself."""
        fixed = self.target.api.port if role == "api" else None
        return fixed if self.target.driver == "process" else None
