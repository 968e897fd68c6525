"""How the instances of one system are started: the driver, and the plan that it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.machine.journal import Journal
from harness.target.models import Api, Migrate, Worker
from harness.target.target import Target


class PortTaken(Exception):
    """Somebody took the port between our choosing it and the instance's getting it."""


class Driver(Protocol):
    """One way of running a backend's programs. It serves all systems of a run."""

    @property
    def images(self) -> Mapping[str, str]:
        """The image of each piece, for another process of the run; empty without containers."""

    @property
    def harness_host(self) -> str | None:
        """Where instances reach a server that the harness runs; None where they cannot."""

    def values(self, database_url: str | None, storage_dir: Path | None) -> dict[str, str]:
        """Give placeholders as instances need them, from what the harness itself uses."""

    async def prepare(self, plan: "Plan") -> None:
        """Make what the instances of one system share."""

    async def start(
        self, plan: "Plan", name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> InstanceHandle:
        """Start an instance that is reached at this port of loopback; it need not be ready.

        Raises `Misconfigured` when it cannot be started, `PortTaken` when it lost its port.
        """

    def attach(self, instance: Instance) -> InstanceHandle:
        """Take over an instance that another process of the run has started."""

    async def run_to_end(self, plan: "Plan", program: Migrate, log_path: Path) -> str:
        """Run a program that ends by itself; give what went wrong, or nothing."""

    def end_all(self, running: Sequence[InstanceHandle]) -> None:
        """End all at once: a worker must not see the API go and log about it."""

    def clear(self, plan: "Plan") -> None:
        """Remove what `prepare` has made."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the instances of one system are started."""

    target: Target
    journal: Journal
    driver: Driver
    name: str
    """The system's."""
    directory: Path
    """Where they run."""
    log_dir: Path
    temp_dir: Path
    """Their TMPDIR, so that a killed instance leaves nothing in the machine's."""
    values: Mapping[str, str]
    """Placeholders of this system as its instances see it: `database_url`, `storage_dir`."""
    storage_dir: Path | None
    """The storage as the harness sees it."""
    secrets: frozenset[str] = field(repr=False)
    """What must not be in a message."""

    def table(self, role: Role) -> Api | Worker:
        """Give the target's table about instances of this role."""
        if role == "api":
            return self.target.api
        if self.target.worker is None:
            raise Misconfigured(f"the target {self.target.name!r} has no [worker]")
        return self.target.worker

    def log_path(self, name: str) -> Path:
        """Give where an instance, or the migration, prints to."""
        return self.log_dir / f"{name}.log"

    def fixed_port(self, role: Role) -> int | None:
        """Give the port that a backend insists on; containers each have all ports to themselves."""
        fixed = self.target.api.port if role == "api" else None
        return fixed if self.target.driver == "process" else None


def plan_for(
    target: Target,
    journal: Journal,
    driver: Driver,
    name: str,
    database: DatabaseAccess,
    storage_dir: Path | None,
) -> Plan:
    """Lay down how the instances of the system of this name are started."""
    home = journal.run_dir / "systems" / name
    return Plan(
        target=target,
        journal=journal,
        driver=driver,
        name=name,
        directory=Path(target.directory) if target.directory else home,
        log_dir=journal.run_dir / "logs" / name,
        temp_dir=home / "tmp",
        values=driver.values(database.url, storage_dir),
        storage_dir=storage_dir,
        secrets=target.secrets | database.passwords(),
    )
