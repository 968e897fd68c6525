"""Values that describe a running system, for another process to work with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from harness.instances.database_access import DatabaseAccess
from harness.target.origin import Origin

Role = Literal["api", "worker"]


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One API or worker process of a system."""

    name: str
    """`api-1`, `worker-2`: unique within its system, kept over restarts."""
    role: Role
    base_url: str
    """Where it listens, without a slash at the end; a worker serves its metrics there."""
    log_path: Path
    """Everything it prints, over restarts too. Does not exist for driver `external`."""
    container: str | None = None
    """The name of its container, where it runs in one."""
    pid: int | None = None
    """Its first process, if that is on this machine and can be seen from here."""
    started: str = field(default="", repr=False)
    """When it started: a later process with the same pid has another start."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it got on top of the target file's environment."""

    @property
    def place(self) -> str:
        """Where it runs, for a message: `pid 17`, `container shakedown-17-ab-main-worker-1`."""
        if self.container is not None:
            return f"container {self.container}"
        return f"pid {self.pid}" if self.pid is not None else self.base_url


@dataclass(frozen=True, kw_only=True)
class SystemDescription:
    """A system as plain values, for `System.attach` in another process of the same run."""

    name: str
    run_dir: Path
    origin: Origin
    """The target's."""
    api: tuple[Instance, ...]
    workers: tuple[Instance, ...]
    bring_up_seconds: float
    database: DatabaseAccess
    images: Mapping[str, str]
    """The image of each piece, if they run in containers."""
    jwks_url: str | None = None
    """Where the run's public keys are served, if they are."""

    def to_json(self) -> str:
        """Give one line of JSON. It holds passwords: for pipes between our processes only."""
        return _JSON.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "SystemDescription":
        """Rebuild what `to_json` gave."""
        return _JSON.validate_json(text)


_JSON = TypeAdapter(SystemDescription)
