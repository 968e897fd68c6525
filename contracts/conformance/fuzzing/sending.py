"""Sending cases side by side to all API instances, and keeping what was wrong with the answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.ground import Ground
from contracts.conformance.fuzzing.rules import Judge
from harness.client import Answer, Client, NoAnswer, Route
from harness.errors import CheckFailed

AT_ONCE = 12
"""Requests in flight: enough to keep every instance busy, few enough for their connection pools."""

DEADLINE_S = 15.0
OVERLOADED_RETRIES = 3
ENOUGH_FAULTS = 5
"""After so many wrong answers there is no need to go on."""

Follow = Callable[[Case, Answer], Awaitable[list[str]]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A wrong answer: the exact request, and what is wrong."""

    case: Case
    answer: Answer | None
    faults: tuple[str, ...]
    base_url: str

    def tell(self) -> str:
        """Say it in a few lines."""
        got = self.answer.describe() if self.answer else "no answer"
        return (
            f"{self.case.operation_id}: {'; '.join(self.faults)}\n"
            f"  {self.case.phase} case {self.case.number} ({self.case.about:.120})\n"
            f"  {self.case.as_curl(self.base_url)}\n  {got}"
        )


@dataclass(kw_only=True)
class Sent:
    """What has been sent so far, and what came of it."""

    cases: int = 0
    requests: int = 0
    succeeded: Counter[str] = field(default_factory=Counter)
    """Successes by operationId."""
    phases: Counter[str] = field(default_factory=Counter)
    unsendable: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether enough is wrong to stop."""
        return len(self.findings) >= ENOUGH_FAULTS


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends cases as one tenant, whose things the `own` slots stand for."""

    judge: Judge
    own: Ground
    foreign: Ground
    sent: Sent

    async def send_all(
        self, cases: AsyncGenerator[Case, None], follow: Follow | None = None
    ) -> None:
        """Send and judge every case; `follow` may look further into a right answer."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(case: Case) -> None:
            try:
                await self._one(case, follow)
            finally:
                room.release()

        try:
            async with asyncio.TaskGroup() as group, aclosing(cases):
                async for case in cases:
                    if self.sent.enough:
                        break
                    await room.acquire()
                    group.create_task(one(case))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _one(self, case: Case, follow: Follow | None) -> None:
        if self.sent.enough:
            return
        client = self.own.org.client
        real = await self.grounded(case)
        instance = case.number % client.instances
        self.sent.cases += 1
        self.sent.phases[case.phase] += 1
        try:
            answer = await send(client, real, instance=instance)
        except ValueError:
            self.sent.unsendable += 1  # a header that no client library lets through
            return
        except NoAnswer as error:
            self.note(real, None, [f"it got no answer: {error.got}"], instance)
            return
        self.sent.requests += 1
        faults = self.judge.faults(case, answer)
        if answer.status < 300 and self.judge.operation_of(case) is not None:
            self.sent.succeeded[case.operation_id] += 1
        if not faults and follow is not None:
            try:
                faults = await follow(real, answer)
            except CheckFailed as error:
                faults = [f"expected {error.expected}, got {error.got}"]
        if faults:
            self.note(real, answer, faults, instance)

    async def grounded(self, case: Case) -> Case:
        """The case with real ids in its slots."""
        live = None
        if case.operation_id == "cancelExport" and case.method == "POST" and case.number % 3:
            live = await self.own.live_export(case.number) if "own" in case.ownerships else None

        def find(ownership: str, name: str, number: int) -> str:
            if ownership == "own" and name == "export_id" and live:
                return live
            ground = self.own if ownership == "own" else self.foreign
            return ground.find(case.operation_id, name, number)

        return case.filled(find)

    def note(self, case: Case, answer: Answer | None, faults: list[str], instance: int) -> None:
        """Keep a wrong answer."""
        base_url = self.own.org.client.transport.base_urls[instance]
        self.sent.findings.append(
            Finding(case=case, answer=answer, faults=tuple(faults), base_url=base_url)
        )


async def send(client: Client, case: Case, *, instance: int) -> Answer:
    """Send a case whose slots are filled, as this client's user.

    An honest 503 (overloaded, with a Retry-After) is asked again before it counts.
    """
    headers = dict(case.headers)
    if case.token and client.token is not None:
        headers["Authorization"] = f"Bearer {client.token}"
    route = Route(operation_id=case.operation_id, method=case.method, template=case.target)
    for tries_left in reversed(range(OVERLOADED_RETRIES)):
        answer = await client.transport.send(
            route,
            case.target,
            instance=instance,
            deadline_s=DEADLINE_S,
            headers=headers,
            body=case.body,
        )
        if answer.status != 503 or not answer.headers.get("retry-after") or not tries_left:
            return answer
        await asyncio.sleep(1)
    raise AssertionError("the last try gives its answer")
