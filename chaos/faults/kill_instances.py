"""SIGKILL: instances are gone from one instruction to the next."""

import asyncio
from collections.abc import Sequence

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.instance_state import expect_dead, names_of, require_alive, role_of
from chaos.faults.outside import Outside, each_answers, each_gone, outside_of
from harness.system import Instance, System
from harness.target import Capability


def kill_instances(
    system: System,
    victims: Sequence[Instance],
    *,
    replacements: int | None = None,
    outside: Outside | None = None,
) -> Fault:
    """Kill instances of one role at the same moment: some of it, or all.

    Healing starts so many `replacements` under new names and without failpoints; None: the victims
    again, under their own names.
    """
    role, seen_by = role_of(victims), outside_of(system, victims, outside)
    started: list[Instance] = []

    async def inject() -> None:
        await asyncio.gather(*(system.kill(victim) for victim in victims))

    async def heal() -> None:
        again = (
            [system.restart(victim) for victim in victims]
            if replacements is None
            else [system.start(role) for _ in range(replacements)]
        )
        started.extend(await asyncio.gather(*again))

    return Fault(
        label=f"kill-{role}",
        what=f"SIGKILL of {', '.join(names_of(victims))}",
        victims=names_of(victims),
        needs=frozenset({Capability.KILL, Capability.SPAWN}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=lambda: require_alive(system, victims),
        inject=inject,
        victim_shows=lambda: expect_dead(system, victims),
        others_see=None if seen_by.unseen else (lambda: each_gone(seen_by, victims)),
        unseen=seen_by.unseen,
        heal=heal,
        healed=None if seen_by.unseen else (lambda: each_answers(seen_by, started)),
    )
