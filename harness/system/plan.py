"""How the instances of one system are started: what follows from target, run and database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import Misconfigured
from harness.journal import Journal
from harness.processes import RUN_MARKER
from harness.system.description import Role
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
        return frozenset(filter(None, (urlsplit(url).password for url in urls)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the instances of one system are started."""

    target: Target
    journal: Journal
    directory: Path
    """Where they run."""
    log_dir: Path
    temp_dir: Path
    """Their TMPDIR, so that a killed instance leaves nothing in the machine's."""
    values: Mapping[str, str]
    """Placeholders of this system: `database_url`, `storage_dir`."""
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

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Give what a program of the target gets: ours, the run's mark, and `extra`."""
        inherited = dict(os.environ)
        if self.target.database.source == "embedded":
            # libpq's own variables would lead a backend to another database than ours.
            inherited = {name: value for name, value in inherited.items() if name[:2] != "PG"}
        return {
            **inherited,
            "TMPDIR": str(self.temp_dir),
            "PYTHONUNBUFFERED": "1",  # the last words of a process that is killed
            **extra,
            RUN_MARKER: self.journal.run_id,
        }


def plan_for(
    target: Target,
    journal: Journal,
    name: str,
    database: DatabaseAccess,
    storage_dir: Path | None,
) -> Plan:
    """Lay down how the instances of the system of this name are started."""
    home = journal.run_dir / "systems" / name
    values = {}
    if storage_dir is not None:
        values["storage_dir"] = str(storage_dir)
    if database.url is not None:
        values["database_url"] = database.url
    return Plan(
        target=target,
        journal=journal,
        directory=Path(target.directory) if target.directory else home,
        log_dir=journal.run_dir / "logs" / name,
        temp_dir=home / "tmp",
        values=values,
        secrets=target.secrets | database.passwords(),
    )
