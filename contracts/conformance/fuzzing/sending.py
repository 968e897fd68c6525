"""Send cases concurrently to all API instances and record wrong answers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from contracts.conformance.breach import Breach, breach_of
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.path_organization import opened
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.tenant_data import TenantData
from harness.client import Answer, Client, NoAnswer, Route
from harness.errors import CheckFailed, Inconclusive
from harness.findings.exchanges import remembering
from harness.untrusted.retry_after import asked_wait_s

AT_ONCE = 12
"""Requests in flight: enough to keep every instance busy, few enough for their connection pools."""

DEADLINE_S = 15.0
OVERLOADED_RETRIES = 3
LONGEST_WAIT_S = 5.0
"""Between two tries."""

Follow = Callable[[Case, Answer], Awaitable[list[Breach]]]


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends cases as the tenant whose data the `own` slots stand for."""

    rules: ResponseRules
    own: TenantData
    foreign: TenantData
    results: Results

    async def send_all(
        self, cases: AsyncGenerator[Case, None], follow: Follow | None = None
    ) -> None:
        """Send and check every case; `follow` may check correct answers further."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(case: Case) -> None:
            try:
                await self._one(case, follow)
            finally:
                free.release()

        try:
            async with asyncio.TaskGroup() as group, aclosing(cases):
                async for case in cases:
                    if self.results.should_stop:
                        break
                    await free.acquire()
                    group.create_task(one(case))
        except BaseExceptionGroup as several:
            if self.results.wrong and isinstance(several.exceptions[0], Inconclusive):
                return  # what was found counts more than what could not be asked any more
            raise several.exceptions[0] from None

    async def _one(self, case: Case, follow: Follow | None) -> None:
        if self.results.should_stop or self.results.is_silent(case.operation_id):
            return
        client = self.own.org.client
        real = await self.with_real_ids(case)
        instance = case.number % client.instances
        self.results.count(case)
        with remembering() as recent:
            try:
                answer = await send(client, real, instance=instance)
            except ValueError:
                return  # a header that no client library sends
            except NoAnswer as error:
                self.results.add_unanswered(real, error, recent)
                return
            self.results.requests += 1
            violations = self.rules.violations(case, answer)
            if answer.status < 300 and self.rules.operation_of(case) is not None:
                self.results.succeeded[case.operation_id] += 1
            if not violations and follow is not None:
                try:
                    violations = await follow(real, answer)
                except CheckFailed as error:
                    violations = [breach_of(error)]
            self.results.add(real, answer, violations, recent)

    async def with_real_ids(self, case: Case) -> Case:
        """The case with real ids in its slots; most cancellations get a new export."""
        live = None
        if case.operation_id == "cancelExport" and case.method == "POST" and case.number % 3:
            live = await self.own.live_export(case.number) if "own" in case.ownerships else None

        def find(ownership: str, name: str, number: int) -> str:
            if ownership == "own" and name == "export_id" and live:
                return live
            data = self.own if ownership == "own" else self.foreign
            return data.find(case.operation_id, name, number)

        return case.filled(find)


async def send(client: Client, case: Case, *, instance: int) -> Answer:
    """Send a case whose slots are filled, as this client's user.

    A 503 with Retry-After (overloaded) is retried before it counts.
    """
    headers = dict(case.headers)
    if case.token:
        headers |= {name.title(): value for name, value in (await client.authorization()).items()}
    known = client.routes.get(case.operation_id)
    route = Route(
        operation_id=case.operation_id,
        method=case.method,
        template=case.target,
        may_be_file=known is not None and known.may_be_file,
    )
    for tries_left in reversed(range(OVERLOADED_RETRIES)):
        answer = await client.transport.send(
            route,
            opened(case.target),
            instance=instance,
            deadline_s=DEADLINE_S,
            headers=headers,
            body=case.body,
        )
        if answer.status != 503 or not answer.headers.get("retry-after") or not tries_left:
            return answer
        await asyncio.sleep(min(asked_wait_s(answer.headers) or 1.0, LONGEST_WAIT_S))
    raise AssertionError("the last try returns its answer")
