"""One instance as a container."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from harness.containers.container import Container
from harness.instances.handle import InstanceHandle
from harness.machine.processes import Process
from harness.waiting import becomes_true

_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class ContainerHandle(InstanceHandle):
    """An instance with its container."""

    container: Container

    def is_alive(self) -> bool:
        """Say whether it runs; a paused one does."""
        if self.instance.pid is not None:
            # The kernel knows at once and for nothing; the engine takes a few milliseconds.
            return Process(self.instance.pid, self.instance.started).is_alive()
        return self.container.is_alive()

    def is_paused(self) -> bool:
        """Say whether it is frozen."""
        return self.container.is_paused()

    def is_cut_off(self) -> bool:
        """Say whether it was taken off the run's network."""
        return not self.container.is_connected()

    def exit_code(self) -> int | None:
        """How it ended, as the engine reports it."""
        return self.container.exit_code()

    def holds_its_port(self) -> bool:
        """The engine published the port for it alone."""
        return self.is_alive()

    def resume_command(self) -> tuple[str, ...]:
        """A command of our own: a machine with an engine need not have a `docker` program."""
        engine = self.container.engine.host
        return (
            sys.executable,
            "-P",
            "-m",
            "harness.containers.unpause",
            engine,
            self.container.name,
        )

    async def kill(self) -> None:
        """SIGKILL everything in the container."""
        await self._call(self.container.kill)

    async def pause(self) -> None:
        """Freeze all processes in the container."""
        await self._call(self.container.pause)

    async def resume(self) -> None:
        """Let them run again."""
        await self._call(partial(self.container.pause, paused=False))

    async def stop(self, grace_s: float) -> int | None:
        """Send the image's stop signal, kill after the grace."""
        await self._call(self.container.ask_to_end)

        async def has_ended() -> bool:
            return not await self.container.engine.threads.call(self.container.is_alive)

        await becomes_true(has_ended, grace_s, poll_s=_POLL_S)
        await self._call(self.container.kill)
        return await self.container.engine.threads.call(self.container.exit_code)

    async def disconnect(self) -> None:
        """Take the container off the run's network."""
        await self._call(self.container.disconnect)

    async def reconnect(self) -> None:
        """Connect it to the run's network again."""
        await self._call(self.container.reconnect)

    def end(self) -> None:
        """Kill and remove the container."""
        self.container.remove()

    async def _call(self, act: Callable[[], None]) -> None:
        await self.container.engine.threads.call(act)
