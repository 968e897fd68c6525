"""What can be seen of one instance and done to it: a process, a container, or elsewhere."""

from dataclasses import dataclass

from harness.errors import Misconfigured
from harness.instances.description import Instance

SHOWS_WITHIN_S = 10.0
"""How long an act may take to show."""


@dataclass(frozen=True, kw_only=True)
class InstanceHandle:
    """An instance that runs elsewhere (driver `external`): it can be asked, not controlled.

    Drivers that start instances override all of it; only containers can be cut off. An act is
    over when it shows. It raises `Misconfigured` when that takes too long.
    """

    instance: Instance

    def is_alive(self) -> bool:
        """Say whether it runs; a paused one does. Of one elsewhere it is not known."""
        return True

    def is_paused(self) -> bool:
        """Say whether it is frozen."""
        return False

    def is_cut_off(self) -> bool:
        """Say whether it was cut off from the network."""
        return False

    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, or if this is unknown."""
        return None

    def holds_its_port(self) -> bool:
        """Say whether it is this instance that answers at its address, not another program."""
        return True

    def resume_command(self) -> tuple[str, ...]:
        """Give the command that undoes `pause`, for `recover` after the harness was killed."""
        raise self.refusal()

    async def kill(self) -> None:
        """SIGKILL it and everything that it started."""
        raise self.refusal()

    async def pause(self) -> None:
        """Freeze it and everything that it started."""
        raise self.refusal()

    async def resume(self) -> None:
        """Let it run again."""
        raise self.refusal()

    async def stop(self, grace_s: float) -> int | None:  # noqa: ARG002 - nothing is stopped here
        """Ask it to end, kill it after the grace; give its exit code as `exit_code` does."""
        raise self.refusal()

    async def disconnect(self) -> None:
        """Cut it off from the network: from its clients, the database and other instances."""
        raise self.refusal()

    async def reconnect(self) -> None:
        """Connect it to the network again."""
        raise self.refusal()

    def end(self) -> None:
        """Kill it and remove what it ran in.

        Blocks until it is gone: cleaning up must not be canceled half way.
        """

    def refusal(self) -> Misconfigured:
        """Say why an act cannot be done."""
        return Misconfigured(
            f"{self.instance.name} at {self.instance.base_url} was not started by the harness; "
            'driver = "external" cannot be controlled'
        )
