"""Every state of an export in turn, on a system without workers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from contracts.golden.export_states import expect_export, expect_not_ready, expect_refused
from contracts.golden.fields import EXPORT
from contracts.shared.exports.workerless_system import MANUAL_WORKER, WorkerlessSystem
from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import expect_live_export
from contracts.shared.resources.conventions import expect_retry_after
from harness.client import LIVE_STATES, Answer, Organization, Record, Samples
from harness.expect import expect, expect_equal, expect_status


async def expect_lifecycle(
    workerless: WorkerlessSystem, org: Organization, samples: Samples
) -> AsyncIterator[str]:
    """Fail unless each state, and each way out of it, is right; give each state that was seen."""
    job = await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    one, two = FollowedExport(org, job, "proof-pack"), FollowedExport(org, job, "ledger")
    await one.request({"filters": {"phase": "after"}})
    await two.request({})
    for each, position in ((one, 1), (two, 2)):
        queued = await each.expect_state("queued", events=["export.requested"])
        expect_equal(queued["queue_position"], position, "queue_position of a queued export")
        expect_equal(queued["attempt"], 0, "attempt of an export that was never claimed")
        await expect_refused(org.client, "retryExport", each.id, "queued")
    expect_equal((await two.data())["filters"], {}, "filters of a request without filters")
    expect_equal((await one.data())["filters"], {"phase": "after"}, "filters of an export")
    yield "queued"

    await two.change("cancelExport")
    await two.expect_state("canceled", events=["export.requested", "export.canceled"])
    await two.expect_final("canceled")
    yield "canceled"

    await workerless.claim(org.client, one.id)
    claimed = await one.expect_state("preparing", events=["export.requested"])
    expect_equal(claimed["claimed_by"], MANUAL_WORKER, "claimed_by of an export in progress")
    expect_equal(claimed["attempt"], 1, "attempt of an export that was claimed once")
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
    expect_equal(claimed["attempt"], 2, "attempt of a retried export that was claimed again")
    yield "retried"

    await one.change("cancelExport")
    await one.expect_state("canceled", events=[*twice, "export.canceled"])
    await one.expect_final("canceled while preparing")
    yield "canceled while preparing"


@dataclass
class FollowedExport:
    """One export that is followed through its states."""

    org: Organization
    job: Record
    export_type: str
    id: str = ""

    async def request(self, body: dict[str, object]) -> None:
        """Request it, and once more while it is live."""
        client, path = self.org.client, {"job_id": self.job["id"], "export_type": self.export_type}
        answer = await client.call("requestExport", path=path, json=body)
        expect_status(answer, 202)
        expect_equal(answer.data["state"], "queued", "state of an accepted export")
        self.id = answer.data["id"]
        await self.expect_same_data(answer)
        expect_live_export(await client.request_export(self.job["id"], self.export_type), self.id)

    async def data(self) -> Record:
        """Its data, from getExport."""
        return await self.org.client.get_export(self.id)

    async def change(self, operation_id: str) -> None:
        """Cancel or retry it."""
        answer = await self.org.client.call(operation_id, path={"export_id": self.id})
        expect_status(answer, 202)
        expect_export(answer.data, self.org)
        await self.expect_same_data(answer)

    async def expect_same_data(self, answer: Answer) -> None:
        """Fail unless an answer has the data of getExport, except for the place in the queue."""
        data = await self.data()
        for name in EXPORT.keys() - {"queue_position"}:
            what = f"{name} of an export in the answer of {answer.operation_id}, as in getExport"
            expect_equal(answer.data[name], data[name], what)

    async def expect_state(self, state: str, *, events: Sequence[str]) -> Record:
        """Fail unless every operation shows this state, and its events are these; give its data."""
        client = self.org.client
        answer = await client.call("getExport", path={"export_id": self.id})
        export = expect_status(answer, 200).data
        expect_equal(export["state"], state, "state of an export")
        expect_export(export, self.org)
        if state in LIVE_STATES:
            expect_retry_after(answer, f"an export that is {state}")
        await expect_not_ready(client, self.id, state)
        recorded = await expect_events(client, self.id, events, f"an export that is {state}")
        for event in recorded:
            name = event["event_name"]
            expect_equal(event["actor_id"], self.org.users["member"], f"actor_id of {name}")
        listed = await client.listed("listExports", path={"job_id": self.job["id"]})
        expect(
            export in listed,
            expected=f"the {state} export in the list of its job, as getExport shows it",
            got=str([item for item in listed if item["id"] == self.id])[:400],
        )
        return export

    async def expect_final(self, state: str) -> None:
        """Fail unless it can be neither canceled nor retried."""
        for operation_id in ("cancelExport", "retryExport"):
            await expect_refused(self.org.client, operation_id, self.id, state)
