"""An instance in a container is cut off from the network: clients, database and other instances."""

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.instance_state import require_alive
from chaos.faults.outside import ItsPort, outside_of
from chaos.faults.proof import FaultNotShown
from harness.system import Instance, System
from harness.target import Capability


def disconnect_instance(system: System, victim: Instance) -> Fault:
    """Take a container off the run's network; it runs on, and what it has open hangs."""
    seen_by = outside_of(system, [victim])

    async def inject() -> None:
        await system.disconnect(victim)

    async def victim_shows() -> str:
        await require_alive(system, [victim])
        if not system.is_cut_off(victim):
            raise FaultNotShown(f"{victim.name} ({victim.place}) is still on the run's network")
        return f"{victim.place} runs, and is on no network of the run"

    async def heal() -> None:
        await system.reconnect(victim)

    is_seen = isinstance(seen_by, ItsPort)
    return Fault(
        label=f"disconnect-{victim.role}",
        what=f"disconnection of {victim.name}",
        victims=(victim.name,),
        needs=frozenset({Capability.NETWORK}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=lambda: require_alive(system, [victim]),
        inject=inject,
        victim_shows=victim_shows,
        others_see=(lambda: seen_by.unreachable(victim)) if isinstance(seen_by, ItsPort) else None,
        unseen=seen_by.unseen,
        heal=heal,
        healed=(lambda: seen_by.answers(victim)) if is_seen else None,
    )
