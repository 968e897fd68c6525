"""What the processes or containers of instances show of a fault."""

from collections.abc import Sequence

from chaos.faults.proof import FaultNotShown
from harness.system import Instance, Role, System


def names_of(victims: Sequence[Instance]) -> tuple[str, ...]:
    """Give the names of instances."""
    return tuple(victim.name for victim in victims)


def role_of(victims: Sequence[Instance]) -> Role:
    """Give the one role that all of them have."""
    [role] = {victim.role for victim in victims}
    return role


async def require_alive(system: System, victims: Sequence[Instance]) -> None:
    """Raise `FaultNotShown` unless all run: one that ended by itself proves nothing."""
    for victim in victims:
        if not system.is_alive(victim):
            raise FaultNotShown(
                f"{victim.name} ended by itself before it could be harmed; its last log "
                f"lines:\n{system.log_tail(victim)}"
            )


async def expect_dead(system: System, victims: Sequence[Instance]) -> str:
    """See that none of them runs."""
    for victim in victims:
        if system.is_alive(victim):
            raise FaultNotShown(f"{victim.name} ({victim.place}) still runs after SIGKILL")
    return ", ".join(f"{victim.place} has ended" for victim in victims)


async def expect_paused(system: System, victims: Sequence[Instance]) -> str:
    """See that all of them are frozen."""
    for victim in victims:
        if not system.is_paused(victim):
            raise FaultNotShown(f"{victim.name} ({victim.place}) still runs after it was frozen")
    return ", ".join(f"{victim.place} is frozen" for victim in victims)
