"""Freezing: a worker stands still, keeps all it holds, and knows nothing of it when it wakes up.

It is what a virtual machine that is moved, a long garbage collection or a suspended laptop look
like to everybody else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.system import Instance, System

LABEL = "pause-worker"
"""What histories and timelines call it."""


@asynccontextmanager
async def worker_paused(
    system: System, victim: Instance, *, history: HistoryWriter
) -> AsyncIterator[None]:
    """Freeze a worker; inside, it stands still. Leaving lets it go on where it was.

    `Inconclusive` when it does not stand still, or does not run again afterwards.
    """
    undo = system.resume_command(victim)
    with system.journal.fault(f"pause of {victim.name}", undo=undo):
        history.write("invoke", LABEL, process="chaos", worker=victim.name)
        try:
            await system.pause(victim)
            if not system.is_paused(victim):
                raise Inconclusive(f"{victim.name} ({victim.place}) runs on after it was frozen")
            history.write("ok", LABEL, process="chaos", worker=victim.name)
            yield
            if not system.is_paused(victim):
                raise Inconclusive(f"somebody else woke {victim.name} ({victim.place})")
        finally:
            await system.resume(victim)
            history.write("info", f"heal-{LABEL}", process="chaos", worker=victim.name)
    if not system.is_alive(victim):
        raise Inconclusive(
            f"{victim.name} died on SIGCONT; its last log lines:\n{system.log_tail(victim)}"
        )
