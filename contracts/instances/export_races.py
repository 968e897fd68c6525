"""Concurrent requests that change one export, on a system without workers.

No worker interferes, so each race has exactly one correct outcome.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from contracts.shared.exports.workerless_system import WorkerlessSystem
from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import ONE_LIVE, expect_live_export
from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN
from harness.client import LIVE_STATES, Answer, Client, Organization, Record, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations

RACERS = 8


@dataclass(frozen=True)
class ExportRaces:
    """Requests each change of an export many times at once, and looks at each race.

    What a race did wrong is undone before the next one, where the API can.
    """

    workerless: WorkerlessSystem
    org: Organization
    cells: Cells
    observe: Observations

    async def look_at(self) -> None:
        """Judge that each change happens once."""
        client, job = self.org.client, await self.org.new_job()
        for export_id in await self._requested(job):
            async with self._race("cancelExport", "concurrent cancellations"):
                await self._expect_once(export_id, "cancelExport", "canceled", 1)
                self.observe(RACERS, what="raced cancellations")
            await self._clear(job, keep=0)
        for export_id in await self._requested(job):
            await self.workerless.claim(client, export_id)
            await self._look_at_live(job, export_id, "preparing")
            await self.workerless.fail(export_id)
            async with self._race("retryExport", "concurrent retries"):
                await self._expect_once(export_id, "retryExport", "queued", 2)
                self.observe(RACERS, what="raced retries")
            if await self._clear(job, keep=1) != [export_id]:
                return
            await self._look_at_live(job, export_id, "queued")
            await self.workerless.claim(client, export_id)
            await self.workerless.fail(export_id)
            async with self._race("retryExport", "concurrent retries and requests"):
                await expect_one_successor(self.workerless, client, job, export_id, self.observe)

    async def _expect_once(self, export_id: str, operation: str, state: str, events: int) -> None:
        """Fail unless concurrent changes of an export have one effect, and leave so many events."""
        client, held = self.org.client, self.workerless
        race = together(_change(client, operation, export_id, turn) for turn in range(RACERS))
        expect_accepted(await held.run_with_writes_held(held.table, race), operation)
        export = await client.get_export(export_id)
        expect_equal(export["state"], state, f"state of an export after {operation}")
        event = "export.canceled" if state == "canceled" else "export.requested"
        _expect_events(await events_of(client, export_id), event, events)

    async def _requested(self, job: Record) -> list[str]:
        """Request an export many times at once; give the one that is live, if any is."""
        async with self._race("requestExport", "concurrent requests"):
            await expect_one_requested(self.workerless, self.org.client, job, self.observe)
        return await self._clear(job, keep=1)

    async def _look_at_live(self, job: Record, export_id: str, state: str) -> None:
        async with self.cells.of(operation="requestExport", state=state):
            await expect_one_live(self.org.client, job, export_id, state, self.observe)

    async def _clear(self, job: Record, *, keep: int) -> list[str]:
        """Cancel a job's live exports but so many, the oldest; give those."""
        client = self.org.client
        live = await live_exports(client, job)
        for export_id in live[keep:]:
            await client.call("cancelExport", path={"export_id": export_id})
        return live[:keep]

    def _race(self, operation_id: str, interleaving: str) -> AbstractAsyncContextManager[None]:
        return self.cells.of(operation=operation_id, interleaving=interleaving)


async def expect_one_requested(
    workerless: WorkerlessSystem, client: Client, job: Record, observe: Observations
) -> None:
    """Fail unless one of several concurrent export requests is accepted."""
    race = together(
        client.request_export(job["id"], instance=turn % client.instances) for turn in range(RACERS)
    )
    answers = await workerless.run_with_writes_held(workerless.table, race)
    accepted = [answer for answer in answers if answer.status == 202]
    what = f"number of 202 among {RACERS} concurrent export requests"
    expect_equal(len(accepted), 1, what, rule=ONE_LIVE, subject="requestExport")
    export_id: str = accepted[0].data["id"]
    for answer in answers:
        if answer.status != 202:
            expect_live_export(answer, export_id)
    what = f"an export after {RACERS} concurrent requests"
    await expect_events(client, export_id, ["export.requested"], what)
    observe(RACERS, what="raced requests")


async def expect_one_live(
    client: Client, job: Record, export_id: str, state: str, observe: Observations
) -> None:
    """Fail unless every instance answers a request for the same job with the live export."""
    for instance in range(client.instances):
        answer = await client.request_export(job["id"], instance=instance)
        expect_live_export(answer, export_id, detail=f"while the live export is {state}")
        observe(what=f"asked while {state}")
    live, what = await live_exports(client, job), "IDs of the live exports of the job"
    expect_equal(live, [export_id], what, rule=ONE_LIVE, subject="listExports")


async def expect_one_successor(
    workerless: WorkerlessSystem,
    client: Client,
    job: Record,
    export_id: str,
    observe: Observations,
) -> None:
    """Fail unless concurrent retries and new requests, after a failure, leave one live export.

    Either may win: the ledger gets one more `export.requested` in both cases.
    """
    before = await requests_of(client, job)
    race = together(
        _change(client, "retryExport", export_id, turn // 2)
        if turn % 2
        else client.request_export(job["id"], instance=turn // 2 % client.instances)
        for turn in range(RACERS)
    )
    for answer in await workerless.run_with_writes_held(workerless.table, race):
        expect_status(answer, 200, 202, 409, detail="retries and requests of the same export")
    new = await requests_of(client, job) - before
    what = f"number of new export.requested events after {RACERS} concurrent retries and requests"
    expect_equal(
        new, 1, what, rule=EVENT_WRITTEN if new < 1 else EVENT_ONCE, subject="export.requested"
    )
    live = await live_exports(client, job)
    what = "number of live exports of a job and type"
    expect_equal(len(live), 1, what, rule=ONE_LIVE, subject="listExports")
    observe(RACERS, what="retries beside requests")


def _expect_events(events: Sequence[str], name: str, count: int) -> None:
    """Fail unless a change that was requested many times has left so many events."""
    found, what = events.count(name), f"number of {name} events after a race"
    rule = EVENT_WRITTEN if found < count else EVENT_ONCE
    expect_equal(found, count, what, rule=rule, subject=name)


def expect_accepted(answers: Sequence[Answer], operation_id: str) -> None:
    """Fail unless at least one of the concurrent requests was accepted, and the others got 409."""
    for answer in answers:
        expect_status(answer, 202, 409, detail=f"one of {len(answers)} concurrent {operation_id}")
    expect(
        any(answer.status == 202 for answer in answers),
        expected=f"202 for one of {len(answers)} concurrent {operation_id}",
        got=answers[0].describe(),
    )


async def live_exports(client: Client, job: Record) -> list[str]:
    """The IDs of a job's live exports."""
    listed = await client.listed("listExports", path={"job_id": job["id"]})
    return [export["id"] for export in listed if export["state"] in LIVE_STATES]


async def events_of(client: Client, export_id: str) -> list[str]:
    """The names of an export's events."""
    return [event["event_name"] for event in await client.ledger_events(target_id=export_id)]


async def requests_of(client: Client, job: Record) -> int:
    """The number of `export.requested` events of a job's exports."""
    listed = await client.listed("listExports", path={"job_id": job["id"]})
    names = await together(events_of(client, export["id"]) for export in listed)
    return sum(each.count("export.requested") for each in names)


async def _change(client: Client, operation_id: str, export_id: str, turn: int) -> Answer:
    path = {"export_id": export_id}
    return await client.call(operation_id, path=path, instance=turn % client.instances)
