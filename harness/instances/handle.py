"""What can be seen of one instance and done to it, whatever it runs in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from harness.errors import Misconfigured
from harness.instances.description import Instance

_POLL_S = 0.01
_SHOWS_WITHIN_S = 10.0


class InstanceHandle(Protocol):
    """An instance that was started. Whatever is done to it is done when it shows.

    Every act raises `Misconfigured` when it does not show in time, and for what the driver
    cannot do.
    """

    @property
    def instance(self) -> Instance:
        """Its name, role and address."""

    def is_alive(self) -> bool:
        """Say whether it runs; a paused one does."""

    def is_paused(self) -> bool:
        """Say whether it stands still."""

    def resume_command(self) -> tuple[str, ...]:
        """Give the command that lets it go on, for `recover` after the harness was killed."""

    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, or where nobody can know."""

    def holds_its_port(self) -> bool:
        """Say whether it is this instance that answers at its address, not a stranger."""

    async def kill(self) -> None:
        """SIGKILL it with all that it started."""

    async def pause(self) -> None:
        """Freeze it with all that it started."""

    async def resume(self) -> None:
        """Let it go on."""

    async def stop(self, grace_s: float) -> int | None:
        """Ask it to end, kill it after the grace; give its exit code as `exit_code` does."""

    async def disconnect(self) -> None:
        """Cut it off from the network: from its clients, from the database and from the others."""

    async def reconnect(self) -> None:
        """Give it the network back."""

    def end(self) -> None:
        """Kill it and remove what it ran in.

        Blocks until it is gone: what cleans up must not be cancelled half way.
        """


async def until_shows(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    what: str,
    within_s: float = _SHOWS_WITHIN_S,
) -> None:
    """Wait until a condition holds; `Misconfigured` says what was waited for in vain."""
    end = time.monotonic() + within_s
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        if time.monotonic() > end:
            raise Misconfigured(f"waited {within_s:g} s in vain for {what}")
        await asyncio.sleep(_POLL_S)
