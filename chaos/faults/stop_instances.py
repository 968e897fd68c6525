"""SIGTERM with a grace: instances get a signal to end, and are killed if they do not."""

import asyncio
from collections.abc import Sequence

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.instance_state import expect_dead, names_of, require_alive, role_of
from chaos.faults.outside import Outside, each_answers, each_gone, outside_of
from harness.machine.logs import describe_end
from harness.system import Instance, System
from harness.target import Capability


def stop_instances(
    system: System,
    victims: Sequence[Instance],
    *,
    grace_s: float | None = None,
    outside: Outside | None = None,
) -> Fault:
    """Stop instances of one role; those that still run at the end of the grace are killed.

    `grace_s` is by default what the target file declares. Healing starts them again under their own
    names. How each ended is in the history: that it was killed is a drill's to judge.
    """
    role, seen_by = role_of(victims), outside_of(system, victims, outside)
    ends: dict[str, int | None] = {}
    started: list[Instance] = []

    async def stop(victim: Instance) -> None:
        ends[victim.name] = await system.stop(victim, grace_s)

    async def inject() -> None:
        await asyncio.gather(*(stop(victim) for victim in victims))

    async def victim_shows() -> str:
        dead = await expect_dead(system, victims)
        known = [f"{name} {describe_end(code)}" for name, code in ends.items() if code is not None]
        return "; ".join([dead, *known])

    async def heal() -> None:
        started.extend(await asyncio.gather(*(system.restart(victim) for victim in victims)))

    return Fault(
        label=f"stop-{role}",
        what=f"SIGTERM of {', '.join(names_of(victims))}",
        victims=names_of(victims),
        needs=frozenset({Capability.RESTART}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=lambda: require_alive(system, victims),
        inject=inject,
        victim_shows=victim_shows,
        others_see=None if seen_by.unseen else (lambda: each_gone(seen_by, victims)),
        unseen=seen_by.unseen,
        heal=heal,
        healed=None if seen_by.unseen else (lambda: each_answers(seen_by, started)),
    )
