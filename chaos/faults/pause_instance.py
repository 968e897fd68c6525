"""SIGSTOP: an instance is frozen, keeps all it holds, and does not notice when it goes on.

To all others it looks like a virtual machine that is moved, a long garbage collection or a
suspended laptop.
"""

from chaos.faults.fault import Fault
from chaos.faults.instance_state import expect_paused
from chaos.faults.outside import Outside, outside_of
from chaos.faults.proof import FaultNotShown
from harness.system import Instance, System
from harness.target import Capability


def pause_instance(system: System, victim: Instance, outside: Outside | None = None) -> Fault:
    """Freeze an instance; healing lets it go on where it was."""
    seen_by = outside_of(system, [victim], outside)

    async def inject() -> None:
        await system.pause(victim)

    async def check_still_there() -> None:
        if not system.is_paused(victim):
            raise FaultNotShown(f"something else woke {victim.name} ({victim.place})")

    async def heal() -> None:
        await system.resume(victim)

    async def healed() -> str:
        if not system.is_alive(victim):
            raise FaultNotShown(
                f"{victim.name} died when it was woken up; its last log lines:\n"
                f"{system.log_tail(victim)}"
            )
        return await seen_by.answers(victim)

    return Fault(
        label=f"pause-{victim.role}",
        what=f"pause of {victim.name}",
        victims=(victim.name,),
        needs=frozenset({Capability.PAUSE}),
        undo=system.resume_command(victim),
        inject=inject,
        victim_shows=lambda: expect_paused(system, [victim]),
        others_see=None if seen_by.unseen else (lambda: seen_by.silent(victim)),
        unseen=seen_by.unseen,
        check_still_there=check_still_there,
        heal=heal,
        healed=None if seen_by.unseen else healed,
    )
