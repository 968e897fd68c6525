"""SIGKILL: a worker is gone from one instruction to the next."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.system import Instance, System

LABEL = "kill-worker"
"""What histories and timelines call it."""

_NOTHING_TO_UNDO = ("true",)
"""The dead stay dead: after the harness itself was killed, its whole system is ended anyway."""


@asynccontextmanager
async def workers_killed(
    system: System, victims: Sequence[Instance], *, history: HistoryWriter, replacements: int
) -> AsyncIterator[None]:
    """Kill workers at once; inside, all of them are dead. Leaving starts so many healthy ones.

    `Inconclusive` when one of them was dead before, or would not die.
    """
    names = ", ".join(victim.name for victim in victims)
    for victim in victims:
        if not system.is_alive(victim):
            raise Inconclusive(
                f"{victim.name} was to be killed, but had already ended by itself; "
                f"its last log lines:\n{system.log_tail(victim)}"
            )
    with system.journal.fault(f"SIGKILL of {names}", undo=_NOTHING_TO_UNDO):
        for victim in victims:
            history.write("invoke", LABEL, process="chaos", worker=victim.name)
        try:
            await asyncio.gather(*(system.kill(victim) for victim in victims))
            for victim in victims:
                _prove_dead(system, victim)
                history.write("ok", LABEL, process="chaos", worker=victim.name)
            yield
        finally:
            await heal(system, replacements)


async def heal(system: System, replacements: int) -> None:
    """Start so many workers without any failpoint, as whoever watches over workers would."""
    await asyncio.gather(*(system.start("worker") for _ in range(replacements)))


def _prove_dead(system: System, victim: Instance) -> None:
    if system.is_alive(victim):
        raise Inconclusive(f"{victim.name} ({victim.place}) still runs after SIGKILL")
