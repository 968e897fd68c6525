"""SIGSTOP: a worker stands still, keeps all it holds, and knows nothing of it when it wakes up.

It is what a virtual machine that is moved, a long garbage collection or a suspended laptop look
like to everybody else.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.processes import Process
from harness.system import Instance, System

LABEL = "pause-worker"
"""What histories and timelines call it."""

_RESUME = "import os, signal, sys; os.killpg(int(sys.argv[1]), signal.SIGCONT)"


@asynccontextmanager
async def worker_paused(
    system: System, victim: Instance, *, history: HistoryWriter
) -> AsyncIterator[None]:
    """Freeze a worker; inside, it stands still. Leaving lets it go on where it was.

    `Inconclusive` when it does not stand still, or does not run again afterwards.
    """
    undo = (sys.executable, "-c", _RESUME, str(victim.pid))
    with system.journal.fault(f"SIGSTOP of {victim.name}", undo=undo):
        history.write("invoke", LABEL, process="chaos", worker=victim.name)
        try:
            await system.pause(victim)
            if not _stands_still(victim):
                raise Inconclusive(f"{victim.name} (pid {victim.pid}) runs on after SIGSTOP")
            history.write("ok", LABEL, process="chaos", worker=victim.name)
            yield
            if not _stands_still(victim):
                raise Inconclusive(f"somebody else woke {victim.name} (pid {victim.pid})")
        finally:
            await system.resume(victim)
            history.write("info", f"heal-{LABEL}", process="chaos", worker=victim.name)
    if not system.is_alive(victim):
        raise Inconclusive(
            f"{victim.name} died when it was to go on; its last words:\n{system.log_tail(victim)}"
        )


def _stands_still(victim: Instance) -> bool:
    return victim.pid is not None and Process(victim.pid, victim.started).is_stopped()
