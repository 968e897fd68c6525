"""What is known about a running system: enough for another process to work with it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

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
    """Its first process, as far as it is on this machine and can be seen from here."""
    started: str = field(default="", repr=False)
    """Tells this process from a later one that got the same pid."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it was given on top of the target file's environment."""

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
    target_file: Path | None
    run_dir: Path
    api: tuple[Instance, ...]
    workers: tuple[Instance, ...]
    bring_up_seconds: float
    database_name: str | None = None
    template_name: str | None = None
    database_url: str | None = field(default=None, repr=False)
    readonly_url: str | None = field(default=None, repr=False)
    control_url: str | None = field(default=None, repr=False)
    storage_dir: Path | None = None
    postgres_version: str | None = None
    target_sha256: str = ""
    """The digest of the target file as it was when the run began."""
    allow_faults: bool = False
    database_was_given: bool = False
    """Whether `readonly_url` stands in no target file."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The image of each piece, where they run in containers."""

    def to_json(self) -> str:
        """Give one line of JSON. It holds passwords: for pipes between our processes only."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Rebuild what `to_json` gave."""
        plain: dict[str, Any] = json.loads(text)
        known = {each.name: plain[each.name] for each in fields(cls)}
        for name in ("target_file", "run_dir", "storage_dir"):
            known[name] = Path(known[name]) if known[name] is not None else None
        for name in ("api", "workers"):
            known[name] = tuple(
                Instance(**{**each, "log_path": Path(each["log_path"])}) for each in known[name]
            )
        return cls(**known)
