"""Doing things to an instance: always to its whole family of processes, and done when it shows."""

import asyncio
import signal
import time
from collections.abc import Callable

from harness import processes
from harness.errors import Misconfigured
from harness.processes import Process
from harness.system.instances import Running

_POLL_S = 0.01
_SIGNAL_DEADLINE_S = 5.0


async def kill(running: Running) -> None:
    """SIGKILL an instance and its children; done when they are dead."""
    left = await asyncio.to_thread(processes.kill_family, _process(running))
    if left:
        raise Misconfigured(f"{running.instance.name} did not die of SIGKILL: {left}")
    running.is_alive()  # takes note of its end


async def pause(running: Running) -> None:
    """SIGSTOP an instance and its children; done when it stands still."""
    process = _process(running)
    processes.send(processes.family(process), signal.SIGSTOP)
    await _until(process.is_stopped, f"{running.instance.name} to stand still after SIGSTOP")


async def resume(running: Running) -> None:
    """SIGCONT an instance and its children; done when it runs again."""
    process = _process(running)
    processes.send(processes.family(process), signal.SIGCONT)
    await _until(lambda: not process.is_stopped(), f"{running.instance.name} to run after SIGCONT")


async def stop(running: Running, grace_s: float) -> int | None:
    """SIGTERM an instance, SIGKILL it after the grace; give its exit code if it is our child."""
    process = _process(running)
    processes.send(processes.family(process), signal.SIGTERM)
    end = time.monotonic() + grace_s
    while running.is_alive() and time.monotonic() < end:
        await asyncio.sleep(_POLL_S)
    # Also after a quiet end: its children go with it.
    await asyncio.to_thread(processes.kill_family, process)
    return running.child.wait() if running.child is not None else None


def _process(running: Running) -> Process:
    assert running.process is not None
    return running.process


async def _until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SIGNAL_DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise Misconfigured(f"waited {_SIGNAL_DEADLINE_S:g} s in vain for {what}")
        await asyncio.sleep(_POLL_S)
