"""SIGSTOP: a worker is frozen, keeps all it holds, and does not notice when it goes on.

To all others it looks like a virtual machine that is moved, a long garbage collection or a
suspended laptop.
"""

from chaos.faults.fault import Fault
from harness.errors import Inconclusive
from harness.system import Instance, System


def pause_worker(system: System, victim: Instance) -> Fault:
    """Freeze a worker; healing lets it go on where it was."""

    async def inject() -> None:
        await system.pause(victim)

    async def prove() -> None:
        if not system.is_paused(victim):
            raise Inconclusive(f"{victim.name} ({victim.place}) still runs after it was frozen")

    async def check_still_there() -> None:
        if not system.is_paused(victim):
            raise Inconclusive(f"something else woke {victim.name} ({victim.place})")

    async def heal() -> None:
        await system.resume(victim)

    async def prove_healed() -> None:
        if not system.is_alive(victim):
            raise Inconclusive(
                f"{victim.name} died when it was woken up; its last log lines:\n"
                f"{system.log_tail(victim)}"
            )

    return Fault(
        label="pause-worker",
        what=f"pause of {victim.name}",
        victims=(victim.name,),
        undo=system.resume_command(victim),
        inject=inject,
        prove=prove,
        check_still_there=check_still_there,
        heal=heal,
        heal_label="heal-pause-worker",
        prove_healed=prove_healed,
    )
