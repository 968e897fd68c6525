"""SIGKILL: workers are gone from one instruction to the next."""

import asyncio
from collections.abc import Sequence

from chaos.faults.fault import Fault
from harness.errors import Inconclusive
from harness.system import Instance, System

NOTHING_TO_UNDO = ("true",)
"""A dead worker stays dead: `shakedown recover` ends the whole system anyway."""


def kill_workers(system: System, victims: Sequence[Instance], *, replacements: int) -> Fault:
    """Kill workers at the same moment; healing starts so many healthy ones without failpoints."""

    async def check_possible() -> None:
        for victim in victims:
            if not system.is_alive(victim):
                raise Inconclusive(
                    f"{victim.name} ended by itself before it could be killed; its last log "
                    f"lines:\n{system.log_tail(victim)}"
                )

    async def inject() -> None:
        await asyncio.gather(*(system.kill(victim) for victim in victims))

    async def prove() -> None:
        for victim in victims:
            if system.is_alive(victim):
                raise Inconclusive(f"{victim.name} ({victim.place}) still runs after SIGKILL")

    async def heal() -> None:
        await asyncio.gather(*(system.start("worker") for _ in range(replacements)))

    names = tuple(victim.name for victim in victims)
    return Fault(
        label="kill-worker",
        what=f"SIGKILL of {', '.join(names)}",
        victims=names,
        undo=NOTHING_TO_UNDO,
        check_possible=check_possible,
        inject=inject,
        prove=prove,
        heal=heal,
    )
