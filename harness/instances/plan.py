"""How the instances of one system are started: what follows from target, run and database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import Misconfigured
from harness.instances.description import Role
from harness.instances.driver import Driver
from harness.machine.journal import Journal
from harness.redaction.disguises import passwords_of
from harness.target.models import Api, Worker
from harness.target.target import Target


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """The database of a system, as the backend and as the harness reach it."""

    url: str | None = field(default=None, repr=False)
    readonly_url: str | None = field(default=None, repr=False)
    control_url: str | None = field(default=None, repr=False)
    name: str | None = None
    template: str | None = None
    """The migrated database that siblings are cloned from."""
    version: str | None = None

    def passwords(self) -> frozenset[str]:
        """Give the passwords within the URLs."""
        urls = filter(None, (self.url, self.readonly_url, self.control_url))
        return frozenset(password for url in urls for password in passwords_of(url))


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
