"""One instance as a container."""

import sys
from dataclasses import dataclass

from harness.containers.container import Container
from harness.instances.description import Instance
from harness.machine.processes import Process


@dataclass(frozen=True, kw_only=True)
class ContainerHandle:
    """An instance with its container."""

    instance: Instance
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

    def resume_command(self) -> tuple[str, ...]:
        """A command of our own: a machine with an engine need not have a `docker` program."""
        engine = self.container.engine.host
        return (sys.executable, "-m", "harness.containers.unpause", engine, self.container.name)

    def exit_code(self) -> int | None:
        """How it ended, as the engine tells it."""
        return self.container.exit_code()

    def holds_its_port(self) -> bool:
        """The engine published the port for it and nobody else."""
        return self.is_alive()

    async def kill(self) -> None:
        """SIGKILL everything in the container."""
        await self.container.engine.threads.call(self.container.kill)

    async def pause(self) -> None:
        """Freeze all processes in the container."""
        await self.container.pause()

    async def resume(self) -> None:
        """Let them go on."""
        await self.container.resume()

    async def stop(self, grace_s: float) -> int | None:
        """Send the image's stop signal, kill after the grace."""
        return await self.container.stop(grace_s)

    async def disconnect(self) -> None:
        """Take the container off the run's network."""
        await self.container.disconnect()

    async def reconnect(self) -> None:
        """Put it back."""
        await self.container.reconnect()

    def end(self) -> None:
        """Kill and remove the container."""
        self.container.remove()
