"""Every state of an export in turn, on a system without workers, cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from contracts.golden.export_states import expect_export, expect_not_ready, expect_refused
from contracts.golden.fields import EXPORT
from contracts.shared.exports.workerless_system import MANUAL_WORKER, WorkerlessSystem
from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import expect_live_export
from contracts.shared.resources.conventions import expect_retry_after
from harness.client import LIVE_STATES, Answer, Organization, Record, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.vocabulary.events import EXPORT_FAILED
from harness.vocabulary.exports import PROOF_PACK

REQUESTED = ("export.requested",)
RETRIED = ("export.requested", "export.requested")
CANCELED = "export.canceled"


@dataclass(frozen=True)
class Lifecycle:
    """Takes exports through every state, and looks at each state and each way out of it.

    Where a change is refused, what would come after it is not looked at.
    """

    workerless: WorkerlessSystem
    org: Organization
    cells: Cells
    cover: Coverage
    observe: Observations

    async def look_at(self, samples: Samples) -> None:
        """Judge each state, and each way out of it."""
        job = await self.org.new_job()
        await self.org.client.new_evidence(job["id"], samples.new())
        filters = self.org.client.sent_filters({"phase": "after"})
        one = await self._request(job, "proof-pack", {"filters": filters})
        light = self.org.client.light_type
        second = job if light != PROOF_PACK else await self.org.new_job()  # one live of a type
        two = await self._request(second, light, {})
        for each, position, wanted in ((one, 1, filters), (two, 2, {})):
            values = {"queue_position": position, "attempt": 0, "filters": wanted}
            await each.look_at("queued", REQUESTED, values)
            await each.look_at_refusals("queued", "retryExport")
        self._seen("queued")
        if await two.change("cancelExport", "queued"):
            await two.look_at("canceled", (*REQUESTED, CANCELED))
            await two.look_at_refusals("canceled", "cancelExport", "retryExport")
            self._seen("canceled")
        await self._claim_and_fail(one)
        if not await one.change("retryExport", "failed"):
            return
        await one.look_at("queued", RETRIED, case="queued again")
        await one.look_at_refusals("queued again", "retryExport")
        await self.workerless.claim(self.org.client, one.id)
        await one.look_at("preparing", RETRIED, {"attempt": 2}, case="preparing again")
        self._seen("retried")
        if await one.change("cancelExport", "preparing"):
            await one.look_at("canceled", (*RETRIED, CANCELED), case="canceled while preparing")
            await one.look_at_refusals("canceled while preparing", "cancelExport", "retryExport")
            self._seen("canceled while preparing")

    async def _request(
        self, job: Record, export_type: str, body: Mapping[str, object]
    ) -> "FollowedExport":
        """Request an export, and once more while it is live."""
        client, path = self.org.client, {"job_id": job["id"], "export_type": export_type}
        with precondition("export.requested"):
            answer = await client.call("requestExport", path=path, json=dict(body))
            export_id = str(expect_status(answer, 202).data["id"])
        followed = FollowedExport(self.org, self.cells, job, export_id)
        cell = partial(self.cells.of, operation="requestExport", type=export_type)
        async with cell(state="queued", what="data"):
            recall(answer.exchange)
            expect_equal(answer.data["state"], "queued", "state of an accepted export")
            await followed.expect_same_data(answer)
        async with cell(case="while one is live"):
            expect_live_export(await client.request_export(job["id"], export_type), export_id)
        return followed

    async def _claim_and_fail(self, one: "FollowedExport") -> None:
        await self.workerless.claim(self.org.client, one.id)
        await one.look_at("preparing", REQUESTED, {"claimed_by": MANUAL_WORKER, "attempt": 1})
        await one.look_at_refusals("preparing", "retryExport")
        self._seen("preparing")
        await self.workerless.fail(one.id)
        await one.note_events_of_hand()
        await one.look_at("failed", REQUESTED)
        await one.look_at_refusals("failed", "cancelExport")
        self._seen("failed")

    def _seen(self, state: str) -> None:
        self.cover("states of exports", state=state)
        self.observe(what="states of an export without workers")


@dataclass(frozen=True)
class FollowedExport:
    """One export that is followed through its states."""

    org: Organization
    cells: Cells
    job: Record
    id: str
    by_hand: set[str] = field(default_factory=set)
    """The ids of events about changes that the check made in the table itself."""

    async def note_events_of_hand(self) -> None:
        """Set the event aside that a ledger of triggers has of a failure made by hand."""
        events = await self.org.client.ledger_events(target_id=self.id)
        self.by_hand.update(e["id"] for e in events if e["event_name"] == EXPORT_FAILED)

    async def change(self, operation_id: str, state: str) -> bool:
        """Cancel or retry it in this state; say whether that was accepted."""
        answers: list[Answer] = []
        async with self.cells.of(operation=operation_id, state=state):
            answer = await self.org.client.call(operation_id, path={"export_id": self.id})
            answers.append(expect_status(answer, 202, detail=f"of an export that is {state}"))
        for answer in answers:
            async with self.cells.of(operation=operation_id, state=state, what="data"):
                recall(answer.exchange)
                expect_export(answer.data, self.org)
                await self.expect_same_data(answer)
        return bool(answers)

    async def expect_same_data(self, answer: Answer) -> None:
        """Fail unless an answer has the data of getExport, except for the place in the queue."""
        data = await self.org.client.get_export(self.id)
        operation_id = answer.operation_id
        for name in EXPORT:
            if name == "queue_position" or data.lacks(name):
                continue
            what = f"{name} of an export in the answer of {operation_id}, as in getExport"
            rule, subject = "answer.consistent", f"{name} in {operation_id}"
            expect_equal(answer.data[name], data[name], what, rule=rule, subject=subject)

    async def look_at(
        self,
        state: str,
        events: Sequence[str],
        values: Mapping[str, object] | None = None,
        *,
        case: str = "",
    ) -> None:
        """Judge what every operation shows of it in this state.

        Of its data these values are expected; `case` says how it got there.
        """
        shown = case or state
        answers: list[Answer] = []
        async with self.cells.of(operation="getExport", state=shown):
            answer = await self.org.client.call("getExport", path={"export_id": self.id})
            answers.append(expect_status(answer, 200))
            expect_equal(answer.data["state"], state, "state of an export")
            expect_export(answer.data, self.org)
        for answer in answers:
            await self._look_at_answer(answer, state, shown, values or {})
        for operation_id in ("downloadExport", "getManifest", "verifyManifest"):
            if self.org.client.has(operation_id):
                async with self.cells.of(operation=operation_id, state=shown):
                    await expect_not_ready(self.org.client, operation_id, self.id, shown)
        async with self.cells.of(operation="listLedgerEvents", state=shown):
            await self._expect_recorded(events, shown)

    async def _look_at_answer(
        self, answer: Answer, state: str, shown: str, values: Mapping[str, object]
    ) -> None:
        export = answer.data
        for name, expected in values.items():
            async with self.cells.of(operation="getExport", state=shown, field=name):
                recall(answer.exchange)
                expect_equal(export[name], expected, f"{name} of an export that is {shown}")
        if state in LIVE_STATES:
            async with self.cells.of(operation="getExport", state=shown, header="Retry-After"):
                recall(answer.exchange)
                expect_retry_after(answer, "a live export")
        async with self.cells.of(operation="listExports", state=shown):
            path = {"job_id": self.job["id"]}
            listed = await self.org.client.listed("listExports", path=path)
            expect(
                export in listed,
                expected="the export in the list of its job, as getExport shows it",
                got=str([item for item in listed if item["id"] == self.id])[:400],
                rule="answer.consistent",
                subject="listExports",
            )

    async def _expect_recorded(self, events: Sequence[str], shown: str) -> None:
        what = f"an export that is {shown}"
        client, besides = self.org.client, self.by_hand
        for event in await expect_events(client, self.id, events, what, besides=besides):
            expect_equal(
                event["actor_id"],
                self.org.users["member"],
                f"actor_id of {event['event_name']}",
                rule="ledger.event-describes",
                subject="actor_id in listLedgerEvents",
            )

    async def look_at_refusals(self, state: str, *operation_ids: str) -> None:
        """Judge that these operations are refused in this state, and change nothing."""
        for operation_id in operation_ids:
            async with self.cells.of(operation=operation_id, state=state):
                await expect_refused(self.org.client, operation_id, self.id, state)
