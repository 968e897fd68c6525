"""One instance as a process: everything is done to its whole process tree."""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from harness.errors import Misconfigured
from harness.instances.handle import SHOWS_WITHIN_S, InstanceHandle
from harness.instances.listeners import listens
from harness.machine import processes
from harness.machine.journal import Journal
from harness.machine.processes import Process
from harness.waiting import wait_until

_RESUME = """
import contextlib, os, signal, sys
with contextlib.suppress(ProcessLookupError):  # it is dead: nothing is frozen any more
    os.killpg(int(sys.argv[1]), signal.SIGCONT)
"""


@dataclass(frozen=True, kw_only=True)
class ProcessHandle(InstanceHandle):
    """An instance with its process, and everything that it started."""

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
        """Say whether it runs; reaps it if it is our child and has ended."""
        return self.child.poll() is None if self.child is not None else self.process.is_alive()

    def is_paused(self) -> bool:
        """Say whether it is stopped by SIGSTOP."""
        return self.process.is_stopped()

    def exit_code(self) -> int | None:
        """How our child ended; only the process that started it can know."""
        return self.child.poll() if self.child is not None else None

    def holds_its_port(self) -> bool:
        """Make sure that our instance answered.

        Another program that took the port first may answer instead; ours then dies of that, or
        ignores it and never gets ready.
        """
        port = int(self.instance.base_url.rpartition(":")[2])
        return self.is_alive() and listens(self.process, port)

    def resume_command(self) -> tuple[str, ...]:
        """SIGCONT to its group."""
        return (sys.executable, "-c", _RESUME, str(self.instance.pid))

    async def kill(self) -> None:
        """SIGKILL it and its children."""
        left = await asyncio.to_thread(processes.kill_tree, self.process)
        if left:
            raise Misconfigured(f"{self.instance.name} is still running after SIGKILL: {left}")
        if self.child is not None:
            # Its first thread may be gone while others still die: then it cannot be waited for yet.
            await self._until_it_ends(SHOWS_WITHIN_S)

    async def pause(self) -> None:
        """SIGSTOP it and its children."""
        self._send(signal.SIGSTOP)
        name = self.instance.name
        await wait_until(self.is_paused, SHOWS_WITHIN_S, f"{name} to be stopped by SIGSTOP")

    async def resume(self) -> None:
        """SIGCONT it and its children."""
        self._send(signal.SIGCONT)
        name = self.instance.name
        await wait_until(lambda: not self.is_paused(), SHOWS_WITHIN_S, f"{name} to continue")

    async def stop(self, grace_s: float) -> int | None:
        """SIGTERM it, SIGKILL it after the grace."""
        self._send(signal.SIGTERM)
        with suppress(Misconfigured):
            await self._until_it_ends(grace_s)
        # Also after an end in good order: its children end with it.
        await asyncio.to_thread(processes.kill_tree, self.process)
        return self.child.wait() if self.child is not None else None

    def end(self) -> None:
        """SIGKILL it with all that it started, and wait until it is gone."""
        processes.kill_tree(self.process)
        if self.child is not None:
            self.child.wait()
        self.journal.undone(self.entry)

    def refusal(self) -> Misconfigured:
        """Say why a process cannot be cut off."""
        return Misconfigured(
            f'{self.instance.name} is a process (driver = "process") and shares the network of '
            'this machine; only containers (driver = "docker") can be disconnected'
        )

    def _send(self, number: int) -> None:
        processes.send(processes.process_tree(self.process), number)

    async def _until_it_ends(self, within_s: float) -> None:
        await wait_until(lambda: not self.is_alive(), within_s, f"{self.instance.name} to end")
