"""One instance as a process: always its whole family, and done when it shows."""

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from harness.errors import Misconfigured
from harness.instances.description import Instance
from harness.instances.handle import until_shows
from harness.instances.listeners import listens
from harness.machine import processes
from harness.machine.journal import Journal
from harness.machine.processes import Process

_POLL_S = 0.01
_RESUME = """
import contextlib, os, signal, sys
with contextlib.suppress(ProcessLookupError):  # it is dead: nothing is frozen any more
    os.killpg(int(sys.argv[1]), signal.SIGCONT)
"""


@dataclass(kw_only=True)
class ProcessHandle:
    """An instance with its process, and whatever that has started."""

    instance: Instance
    journal: Journal
    entry: str = ""
    """In the journal."""
    child: subprocess.Popen[bytes] | None = None
    """None when another process of the run started it."""

    @property
    def process(self) -> Process:
        """The process that leads its group."""
        assert self.instance.pid is not None
        return Process(self.instance.pid, self.instance.started)

    def is_alive(self) -> bool:
        """Say whether it runs; takes note of its end if it is our child."""
        return self.child.poll() is None if self.child is not None else self.process.is_alive()

    def is_paused(self) -> bool:
        """Say whether it stands still after SIGSTOP."""
        return self.process.is_stopped()

    def resume_command(self) -> tuple[str, ...]:
        """SIGCONT to its group."""
        return (sys.executable, "-c", _RESUME, str(self.instance.pid))

    def exit_code(self) -> int | None:
        """How our child ended; of another process's child only that one can know."""
        return self.child.poll() if self.child is not None else None

    def holds_its_port(self) -> bool:
        """Make sure that it was our instance that answered.

        Another program that took the port first may answer for it; ours then dies of that, or
        does not care and never gets ready.
        """
        port = int(self.instance.base_url.rpartition(":")[2])
        return self.is_alive() and listens(self.process, port)

    async def kill(self) -> None:
        """SIGKILL it and its children."""
        left = await asyncio.to_thread(processes.kill_tree, self.process)
        if left:
            raise Misconfigured(f"{self.instance.name} did not die of SIGKILL: {left}")
        if self.child is not None:
            # Its first thread may be gone while others still die: then it cannot be waited for yet.
            await until_shows(lambda: not self.is_alive(), f"{self.instance.name} to be dead")

    async def pause(self) -> None:
        """SIGSTOP it and its children."""
        processes.send(processes.process_tree(self.process), signal.SIGSTOP)
        await until_shows(self.is_paused, f"{self.instance.name} to stand still after SIGSTOP")

    async def resume(self) -> None:
        """SIGCONT it and its children."""
        processes.send(processes.process_tree(self.process), signal.SIGCONT)
        await until_shows(
            lambda: not self.is_paused(), f"{self.instance.name} to run after SIGCONT"
        )

    async def stop(self, grace_s: float) -> int | None:
        """SIGTERM it, SIGKILL it after the grace."""
        processes.send(processes.process_tree(self.process), signal.SIGTERM)
        end = time.monotonic() + grace_s
        while self.is_alive() and time.monotonic() < end:
            await asyncio.sleep(_POLL_S)
        # Also after a quiet end: its children go with it.
        await asyncio.to_thread(processes.kill_tree, self.process)
        return self.child.wait() if self.child is not None else None

    async def disconnect(self) -> None:
        """Processes share the machine's network: refused."""
        raise Misconfigured(_NO_NETWORK.format(self.instance.name))

    async def reconnect(self) -> None:
        """Processes share the machine's network: refused."""
        raise Misconfigured(_NO_NETWORK.format(self.instance.name))

    def end(self) -> None:
        """SIGKILL it with all that it started, and wait until it is gone."""
        processes.kill_tree(self.process)
        if self.child is not None:
            self.child.wait()
        self.journal.undone(self.entry)


_NO_NETWORK = (
    '{} is a process (driver = "process") and shares the network of this machine; only containers '
    '(driver = "docker") can be cut off'
)
