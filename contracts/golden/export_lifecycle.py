"""Everything that can become of an export, one state after the other, each looked at in peace."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from contracts.golden.export_life import (
    expect_export,
    expect_not_ready,
    expect_refused,
    expect_retry_after,
)
from contracts.golden.fields import EXPORT
from contracts.shared.exports.export_races import expect_live_answer
from contracts.shared.exports.workerless_system import MANUAL_WORKER, WorkerlessSystem
from harness.client import LIVE_STATES, Answer, Organization, Record, Samples
from harness.expect import expect, expect_equal, expect_status


async def expect_lifecycle(
    workerless: WorkerlessSystem, org: Organization, samples: Samples
) -> AsyncIterator[str]:
    """Fail unless every state is shown, and left, as it has to be; give each that was seen."""
    job = await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    one, two = Life(org, job, "proof-pack"), Life(org, job, "ledger")
    await one.request({"filters": {"phase": "after"}})
    await two.request({})
    for life, position in ((one, 1), (two, 2)):
        queued = await life.expect_state("queued", events=["export.requested"])
        expect_equal(queued["queue_position"], position, "the queue_position of an export")
        expect_equal(queued["attempt"], 0, "the attempt of an export that nobody has claimed")
        await expect_refused(org.client, "retryExport", life.id, "queued")
    expect_equal((await two.shown())["filters"], {}, "the filters of a request without any")
    expect_equal((await one.shown())["filters"], {"phase": "after"}, "the filters as requested")
    yield "queued"

    await two.change("cancelExport")
    await two.expect_state("canceled", events=["export.requested", "export.canceled"])
    await two.expect_settled("canceled")
    yield "canceled"

    await workerless.claim(org.client, one.id)
    claimed = await one.expect_state("preparing", events=["export.requested"])
    expect_equal(claimed["claimed_by"], MANUAL_WORKER, "claimed_by of an export in progress")
    expect_equal(claimed["attempt"], 1, "the attempt of an export that was claimed once")
    await expect_refused(org.client, "retryExport", one.id, "preparing")
    yield "preparing"

    await workerless.fail(one.id)
    await one.expect_state("failed", events=["export.requested"])
    await expect_refused(org.client, "cancelExport", one.id, "failed")
    yield "failed"

    await one.change("retryExport")
    twice = ["export.requested", "export.requested"]
    await one.expect_state("queued", events=twice)
    await expect_refused(org.client, "retryExport", one.id, "queued again")
    await workerless.claim(org.client, one.id)
    claimed = await one.expect_state("preparing", events=twice)
    expect_equal(claimed["attempt"], 2, "the attempt of a retried export that was claimed again")
    yield "retried"

    await one.change("cancelExport")
    await one.expect_state("canceled", events=[*twice, "export.canceled"])
    await one.expect_settled("canceled while preparing")
    yield "canceled while preparing"


@dataclass
class Life:
    """One export and what was done to it."""

    org: Organization
    job: Record
    export_type: str
    id: str = ""

    async def request(self, body: dict[str, object]) -> None:
        """Request it, and once more while it is live."""
        client, path = self.org.client, {"job_id": self.job["id"], "export_type": self.export_type}
        answer = await client.call("requestExport", path=path, json=body)
        expect_status(answer, 202)
        expect_equal(answer.data["state"], "queued", "the state of an export that was accepted")
        self.id = answer.data["id"]
        await self.expect_as_shown(answer, "as it was accepted")
        expect_live_answer(await client.request_export(self.job["id"], self.export_type), self.id)

    async def shown(self) -> Record:
        """Its data."""
        return await self.org.client.get_export(self.id)

    async def change(self, operation_id: str) -> Answer:
        """Cancel or retry it."""
        answer = await self.org.client.call(operation_id, path={"export_id": self.id})
        expect_status(answer, 202)
        expect_export(answer.data, self.org)
        await self.expect_as_shown(answer, f"as {operation_id} shows it")
        return answer

    async def expect_as_shown(self, answer: Answer, how: str) -> None:
        """Fail unless an answer has the data that getExport has; its place in the queue aside."""
        shown = await self.shown()
        for name in EXPORT.keys() - {"queue_position"}:
            expect_equal(answer.data[name], shown[name], f"{name} of an export, {how}")

    async def expect_state(self, state: str, *, events: Sequence[str]) -> Record:
        """Fail unless it is in this state, in every way, and its events are these; give it."""
        client = self.org.client
        answer = await client.call("getExport", path={"export_id": self.id})
        export = expect_status(answer, 200).data
        expect_equal(export["state"], state, "the state of an export")
        expect_export(export, self.org)
        if state in LIVE_STATES:
            expect_retry_after(answer, f"an export that is {state}")
        await expect_not_ready(client, self.id, state)
        recorded = await client.ledger_events(target_id=self.id)
        expect_equal(
            [event["event_name"] for event in recorded],
            list(events),
            f"the events of an export that is {state}",
        )
        for event in recorded:
            expect_equal(
                event["actor_id"], self.org.users["member"], f"who did {event['event_name']}"
            )
        listed = await client.listed("listExports", path={"job_id": self.job["id"]})
        expect(
            export in listed,
            expected=f"the {state} export in the list of its job, as getExport shows it",
            got=str([item for item in listed if item["id"] == self.id])[:400],
        )
        return export

    async def expect_settled(self, state: str) -> None:
        """Fail unless nothing can be done with it any more."""
        for operation_id in ("cancelExport", "retryExport"):
            await expect_refused(self.org.client, operation_id, self.id, state)
