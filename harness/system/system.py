"""A running system, and what can be done to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from harness.journal import Journal
from harness.system.description import Instance, Role, SystemDescription
from harness.target.target import Target


class System:
    """A backend that runs: its instances, its database, its storage."""

    target: Target
    name: str
    run_dir: Path
    journal: Journal
    api: tuple[Instance, ...]
    workers: tuple[Instance, ...]
    database_url: str | None
    """What the backend got: the owner of the database, no superuser, so row security bites."""
    readonly_url: str | None
    """Reads everything, row security or not, and changes nothing."""
    control_url: str | None
    """A superuser of the cluster (capability `database-control`)."""
    storage_dir: Path | None
    postgres_version: str | None
    bring_up_seconds: float

    @property
    def log_dir(self) -> Path:
        """Where the logs of this system's instances are."""
        raise NotImplementedError

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that must not reach a report: the target's secrets and our passwords."""
        raise NotImplementedError

    def describe(self) -> SystemDescription:
        """Give what another process of the same run needs to work with this system."""
        raise NotImplementedError

    @classmethod
    def attach(cls, description: SystemDescription) -> Self:
        """Work with a system that another process of this run has launched."""
        raise NotImplementedError

    def is_alive(self, instance: Instance) -> bool:
        """Say whether the instance's process runs; a paused one does."""
        raise NotImplementedError

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        """Give the last lines that an instance printed, without secrets."""
        raise NotImplementedError

    async def kill(self, instance: Instance) -> None:
        """SIGKILL the instance and its children; done when it is dead."""
        raise NotImplementedError

    async def pause(self, instance: Instance) -> None:
        """SIGSTOP the instance and its children; done when it stands still."""
        raise NotImplementedError

    async def resume(self, instance: Instance) -> None:
        """SIGCONT the instance and its children."""
        raise NotImplementedError

    async def stop(self, instance: Instance, grace_s: float | None = None) -> int | None:
        """SIGTERM the instance, SIGKILL it after the grace; give its exit code (-9: killed)."""
        raise NotImplementedError

    async def restart(self, instance: Instance) -> Instance:
        """Kill the instance if it runs and start it again: same name, port and environment."""
        raise NotImplementedError

    async def start(self, role: Role, environment: Mapping[str, str] = {}) -> Instance:
        """Start one more instance and wait until it is ready."""
        raise NotImplementedError

    async def close(self) -> None:
        """End everything this system started and remove what it stored; safe to call twice."""
        raise NotImplementedError
