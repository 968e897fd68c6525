"""How another client meets an instance: gone, silent, or answering.

What an instance says of itself proves no fault: a process may be dead while something else answers
at its address, and frozen while its work goes on elsewhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chaos.faults.proof import FaultNotShown
from harness.instances.readiness import Answer, ask
from harness.system import Instance, System
from harness.waiting import wait_until

SHOWS_WITHIN_S = 5.0
"""How long what was done may take to show outside."""

SILENT_S = 0.3
"""How long nothing is heard of a frozen instance before it counts as silent."""

_POLL_S = 0.01


class Outside(Protocol):
    """Somebody who deals with instances. Each look raises `FaultNotShown` if it is not so."""

    @property
    def unseen(self) -> str:
        """Why no client could see it, and what would help; empty if one could."""

    async def gone(self, victim: Instance) -> str:
        """See that it is gone."""

    async def silent(self, victim: Instance) -> str:
        """See that it is there and says nothing."""

    async def answers(self, victim: Instance) -> str:
        """See that it does its work."""


@dataclass(frozen=True, kw_only=True)
class ItsPort:
    """A client of an instance that listens on a port: every API, and most workers."""

    system: System
    unseen: str = ""

    async def gone(self, victim: Instance) -> str:
        """See that connections are refused."""
        answer = await self._until(victim, lambda each: each.is_unreachable, "to be refused")
        return f"a connection to {victim.base_url}: {answer.text}"

    async def silent(self, victim: Instance) -> str:
        """See that a connection is taken (by the kernel) and nothing is answered."""
        began = time.monotonic()
        answer = await self._ask(victim, SILENT_S)
        if answer.status is not None or time.monotonic() - began < SILENT_S:
            raise FaultNotShown(
                f"{victim.name} should say nothing, but GET {victim.base_url}"
                f"{self._path(victim)} got: {answer.text}"
            )
        return f"GET {victim.base_url}{self._path(victim)}: {answer.text}"

    async def answers(self, victim: Instance) -> str:
        """See that it answers, with any status."""
        answer = await self._until(victim, lambda each: each.status is not None, "to answer")
        return f"GET {victim.base_url}{self._path(victim)}: {answer.status}"

    async def unreachable(self, victim: Instance) -> str:
        """See that there is no answer: refused, reset or silence."""
        answer = await self._ask(victim, SILENT_S)
        if answer.status is not None:
            raise FaultNotShown(
                f"{victim.name} should be out of reach, but GET {victim.base_url}"
                f"{self._path(victim)} got: {answer.text}"
            )
        return f"GET {victim.base_url}{self._path(victim)}: {answer.text}"

    async def date(self, victim: Instance) -> str:
        """Give the `Date` of its answer; empty where it has none."""
        return (await self._until(victim, lambda each: each.status is not None, "to answer")).date

    async def refuses(self, victim: Instance) -> bool:
        """Say whether a connection is refused at this moment."""
        return (await self._ask(victim, SILENT_S)).is_unreachable

    async def _until(self, victim: Instance, wanted: Callable[[Answer], bool], what: str) -> Answer:
        answer = Answer(status=None, text="it was not asked")

        async def is_so() -> bool:
            nonlocal answer
            answer = await self._ask(victim, SHOWS_WITHIN_S)
            return wanted(answer)

        await wait_until(
            is_so,
            SHOWS_WITHIN_S,
            f"GET {victim.base_url}{self._path(victim)} of {victim.name} {what}",
            poll_s=_POLL_S,
            error=lambda waited: FaultNotShown(f"{waited}; it got: {answer.text}"),
        )
        return answer

    async def _ask(self, victim: Instance, within_s: float) -> Answer:
        headers = self.system.target.added_to_probes(victim.role).headers
        return await ask(victim.base_url, self._path(victim), within_s, headers)

    def _path(self, victim: Instance) -> str:
        path = self.system.plan.table(victim.role).ready_path
        assert path is not None, "only asked where there is one"
        return self.system.target.added_to_probes(victim.role).target(path)


@dataclass(frozen=True, kw_only=True)
class ItsHeartbeats:
    """Whoever looks at the exports of a worker that has no port."""

    read: Callable[[Instance], Awaitable[Mapping[str, object]]]
    """Gives the last heartbeat of each export that the worker holds, by the export's id."""
    interval_s: float
    """How often there should be one."""
    unseen: str = ""

    async def gone(self, victim: Instance) -> str:
        """See that no heartbeat comes for more than twice the interval."""
        return await self.silent(victim)

    async def silent(self, victim: Instance) -> str:
        """See that no heartbeat comes for more than twice the interval."""
        before = await self.read(victim)
        if not any(before.values()):
            raise FaultNotShown(
                f"no other client can see whether {victim.name} works: it has no port, and held no "
                "export with a heartbeat that is shown; write [worker] ready_path, or name the "
                "column of heartbeat_at in [claim.columns]"
            )
        within_s = 2 * self.interval_s
        await asyncio.sleep(within_s)  # what does not come cannot be waited for in another way
        after = await self.read(victim)
        if later := [each for each in before if after.get(each, before[each]) != before[each]]:
            raise FaultNotShown(
                f"{victim.name} should do nothing, but it sent a heartbeat of export {later[0]}: "
                f"{before[later[0]]} became {after[later[0]]}"
            )
        return f"no heartbeat of {len(before)} exports of {victim.name} in {within_s:g} s"

    async def answers(self, victim: Instance) -> str:
        """Nothing: a worker that has lost its exports sends no heartbeat."""
        return f"{victim.name} has no port that could answer"


@dataclass(frozen=True, kw_only=True)
class NoClient:
    """An instance that no client can see."""

    unseen: str

    async def gone(self, victim: Instance) -> str:
        """Never seen."""
        raise FaultNotShown(f"{victim.name}: {self.unseen}")

    silent = answers = gone


def outside_of(
    system: System, victims: Sequence[Instance], otherwise: Outside | None = None
) -> Outside:
    """Give who can see these instances: clients of their ports, or else `otherwise`."""
    roles = {victim.role for victim in victims}
    if all(system.plan.table(role).ready_path is not None for role in roles):
        return ItsPort(system=system)
    return otherwise or NoClient(
        unseen="it has no port (ready_path = false): write [worker] ready_path if it has one"
    )


async def each_gone(seen_by: Outside, victims: Sequence[Instance]) -> str:
    """See that all of them are gone."""
    return "; ".join(await asyncio.gather(*map(seen_by.gone, victims)))


async def each_answers(seen_by: Outside, instances: Sequence[Instance]) -> str:
    """See that each of them does its work."""
    return "; ".join(await asyncio.gather(*map(seen_by.answers, instances)))
