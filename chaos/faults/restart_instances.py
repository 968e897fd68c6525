"""Restarts under the same name: by a crash or by a deployment, at once or one after the other.

Whoever comes back has the name, the port and the environment of the one before, and nothing else
of it: no claim, no connection, no memory.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chaos.faults.absence import Absence
from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault, nothing
from chaos.faults.instance_state import names_of, require_alive, role_of
from chaos.faults.outside import ItsPort, outside_of
from chaos.faults.proof import FaultNotShown
from harness.system import Instance, System
from harness.target import Capability


def restart_instances(
    system: System,
    victims: Sequence[Instance],
    *,
    grace_s: float | None = 0,
    one_by_one: bool = False,
) -> Fault:
    """End instances of one role and start them again; there is nothing left to heal.

    `grace_s` is from SIGTERM to SIGKILL, None: what the target file declares, 0: SIGKILL at once.
    `one_by_one`, the next one is ended when the one before is ready: a rolling restart.
    """
    role, seen_by = role_of(victims), outside_of(system, victims)
    clients = (
        [Absence(victim=each, seen_by=seen_by) for each in victims]
        if isinstance(seen_by, ItsPort)
        else []
    )
    restarts = _Restarts(system=system, victims=victims, grace_s=grace_s, clients=clients)

    async def others_see() -> str:
        return "; ".join([await each.ended() for each in clients])

    kind = "rolling-restart" if one_by_one else "restart"
    return Fault(
        label=f"{kind}-{role}",
        what=f"{kind.replace('-', ' ')} of {', '.join(names_of(victims))}",
        victims=names_of(victims),
        needs=frozenset({Capability.RESTART}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=lambda: require_alive(system, victims),
        inject=restarts.one_by_one if one_by_one else restarts.at_once,
        victim_shows=restarts.expect_others,
        others_see=None if seen_by.unseen else others_see,
        unseen=seen_by.unseen,
        heal=nothing,
    )


@dataclass(kw_only=True)
class _Restarts:
    """Ends instances and starts them again, while clients watch each of them."""

    system: System
    victims: Sequence[Instance]
    grace_s: float | None
    clients: Sequence[Absence]
    now: dict[str, Instance] = field(default_factory=dict)
    """Who has the names now."""

    async def one_by_one(self) -> None:
        async with self._watched():
            for victim in self.victims:
                await self._restart(victim)

    async def at_once(self) -> None:
        async with self._watched():
            await asyncio.gather(*map(self._restart, self.victims))

    async def expect_others(self) -> str:
        """See that each name has a process or container that it had not before."""
        for victim in self.victims:
            successor = self.now[victim.name]
            if (successor.pid, successor.started) == (victim.pid, victim.started):
                raise FaultNotShown(f"{victim.name} ({victim.place}) is still the one before")
            if not self.system.is_alive(successor):
                raise FaultNotShown(f"{victim.name} ({successor.place}) did not stay up")
        became = ((victim.place, self.now[victim.name].place) for victim in self.victims)
        return ", ".join(f"{before} became {now}" for before, now in became)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as watching:
            for client in self.clients:
                await watching.enter_async_context(client.watched())
            yield

    async def _restart(self, victim: Instance) -> None:
        if self.grace_s == 0:
            await self.system.kill(victim)
        else:
            await self.system.stop(victim, self.grace_s)
        for client in self.clients:
            if client.victim is victim:
                await client.seen()
        self.now[victim.name] = await self.system.restart(victim)
