"""What starts the instances of a system: processes on this machine, or containers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.instances.description import Instance, Role
from harness.instances.running import Running
from harness.target.models import Migrate

if TYPE_CHECKING:
    from harness.instances.plan import Plan


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
    ) -> Running:
        """Start an instance that is reached at this port of loopback; it need not be ready.

        Raises `Misconfigured` when it cannot be started, `PortTaken` when it lost its port.
        """

    def attach(self, instance: Instance) -> Running:
        """Take over an instance that another process of the run has started."""

    async def run_to_end(self, plan: "Plan", program: Migrate, log_path: Path) -> str:
        """Run a program that ends by itself; give what went wrong, or nothing."""

    def end_all(self, running: Sequence[Running]) -> None:
        """End all at once: a worker must not see the API go and log about it."""

    def clear(self, plan: "Plan") -> None:
        """Remove what `prepare` has made."""
