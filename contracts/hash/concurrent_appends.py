"""Concurrent appends to one ledger: uploads, requests of exports and cancellations at once."""

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import cycle, islice

from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN
from harness.client import Answer, Organization, Record, Sample, Samples, together
from harness.expect import expect_equal, expect_status
from harness.vocabulary.exports import EXPORT_TYPES

UPLOADS = 34
JOBS = 4
CANCELED_JOBS = 1
"""Number of jobs whose exports are canceled as soon as they are requested."""

FEWEST_JOBS = 2
"""One whose exports are canceled, and one whose exports become ready."""

APPENDS = UPLOADS + 2 * JOBS * len(EXPORT_TYPES)
"""One event per upload, two per export: its request and its end."""

EVENTS = {"end": "export.completed, export.canceled"}

TRIES = 5
"""How often a request is sent that is answered 503 (try again later)."""

Append = tuple[str, Callable[[], Awaitable[None]]]
"""A request that appends to a ledger: its operation, and the call that sends it."""


class ConcurrentAppends:
    """The requests of one organization that append to its ledger, and what they created."""

    def __init__(self, org: Organization, jobs: int = JOBS) -> None:
        self.org = org
        self.appends = UPLOADS + 2 * jobs * len(EXPORT_TYPES)
        self._job_count = jobs
        self._jobs: list[Record] = []
        self._evidence: list[str] = []
        self._exports: list[str] = []

    async def create_jobs(self) -> None:
        """Create the jobs, which appends nothing to the ledger."""
        self._jobs = await together(self.org.new_job() for _ in range(self._job_count))

    def requests(self, samples: Samples) -> list[Append]:
        """Give all requests that are to be sent at once, by operation, each to be called once."""
        uploads: list[Append] = [
            ("uploadEvidence", partial(self._upload, job, samples.new()))
            for job in islice(cycle(self._jobs), UPLOADS)
        ]
        exports: list[Append] = [
            (
                "requestExport",
                partial(self._export, job, export_type, cancel=number < CANCELED_JOBS),
            )
            for number, job in enumerate(self._jobs)
            for export_type in self.org.client.export_types
        ]
        return [*uploads, *exports]

    async def wait_for_exports(self) -> None:
        """Wait until every export has ended."""
        await self.org.client.wait_for_exports(self._exports, states=("ready", "canceled"))

    def expect_each_once(self, events: list[Record]) -> None:
        """Fail unless each accepted request left its events, once."""
        ends = {"export.completed", "export.canceled"}
        found = Counter(
            (event["target_id"], "end" if event["event_name"] in ends else event["event_name"])
            for event in events
        )
        due = Counter((evidence_id, "evidence.sealed") for evidence_id in self._evidence)
        for name in ("export.requested", "end"):
            due.update((export_id, name) for export_id in self._exports)
        wrong = {what: (found[what], due[what]) for what in found | due if found[what] != due[what]}
        expect_equal(
            wrong,
            {},
            "events whose number is wrong, as (found, expected); `end` is export.completed or "
            "export.canceled",
            rule=EVENT_WRITTEN if any(got < n for got, n in wrong.values()) else EVENT_ONCE,
            subject=", ".join(sorted({EVENTS.get(name, name) for _, name in wrong})),
        )

    async def _upload(self, job: Record, sample: Sample) -> None:
        key = str(uuid.uuid4())
        answer = await _retried(lambda: self.org.client.upload(job["id"], sample, key=key))
        # 200 where a first attempt was answered 503 and stored the file all the same.
        self._evidence.append(expect_status(answer, 201, 200).data["id"])

    async def _export(self, job: Record, export_type: str, *, cancel: bool) -> None:
        answer = await _retried(lambda: self.org.client.request_export(job["id"], export_type))
        export_id = expect_status(answer, 202, 200).data["id"]
        self._exports.append(export_id)
        if cancel and self.org.client.has("cancelExport"):
            path = {"export_id": export_id}
            answer = await _retried(lambda: self.org.client.call("cancelExport", path=path))
            expect_status(answer, 202, 409)


async def _retried(send: Callable[[], Awaitable[Answer]]) -> Answer:
    for _ in range(TRIES - 1):
        answer = await send()
        if answer.status != 503:
            return answer
    return await send()
