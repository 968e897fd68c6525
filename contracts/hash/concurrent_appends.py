"""Everybody at once: uploads, requests of exports and cancellations that meet in one ledger."""

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from harness.client import Answer, Organization, Record, Sample, Samples, together
from harness.expect import expect_equal, expect_status

UPLOADS = 34
JOBS = 4
EXPORT_TYPES = ("proof-pack", "ledger")
CANCELED_JOBS = 1
"""Of how many jobs the exports are canceled as soon as they are requested."""

APPENDS = UPLOADS + 2 * JOBS * len(EXPORT_TYPES)
"""One event of an upload, two of an export: its request and its end."""

PATIENCE = 5
"""How often a request is sent that is told to come back later (503)."""


class ConcurrentAppends:
    """The users of one organization, and what they have done."""

    def __init__(self, org: Organization) -> None:
        self.org = org
        self._jobs: list[Record] = []
        self._sealed: list[str] = []
        self._requested: list[str] = []

    async def prepare(self) -> None:
        """Make the jobs: that leaves no event."""
        self._jobs = await together(self.org.new_job() for _ in range(JOBS))

    def appends(self, samples: Samples) -> list[Callable[[], Awaitable[None]]]:
        """Give everything that is to be done at once, each to be called once."""
        uploads = [
            partial(self._upload, self._jobs[number % JOBS], samples.new())
            for number in range(UPLOADS)
        ]
        exports = [
            partial(self._export, job, export_type, cancel=number < CANCELED_JOBS)
            for number, job in enumerate(self._jobs)
            for export_type in EXPORT_TYPES
        ]
        return [*uploads, *exports]

    async def settle(self) -> None:
        """Wait until every export has ended."""
        await self.org.client.wait_for_exports(self._requested, states=("ready", "canceled"))

    def expect_each_once(self, events: list[Record]) -> None:
        """Fail unless everything that was accepted left its events, once."""
        told = Counter((event["target_id"], event["event_name"]) for event in events)
        due = Counter((id_, "evidence.sealed") for id_ in self._sealed)
        due.update((id_, "export.requested") for id_ in self._requested)
        ends = {"export.completed", "export.canceled"}
        ended = Counter(id_ for id_, name in told.elements() if name in ends)
        expect_equal(
            ended, Counter(self._requested), "how often each export was completed or canceled"
        )
        begun = Counter({what: times for what, times in told.items() if what[1] not in ends})
        expect_equal(begun, due, "how often each upload was sealed and each export requested")

    async def _upload(self, job: Record, sample: Sample) -> None:
        key = str(uuid.uuid4())
        answer = await _patiently(lambda: self.org.client.upload(job["id"], sample, key=key))
        # A repetition after a 503 may come upon what the first attempt had done after all.
        self._sealed.append(expect_status(answer, 201, 200).data["id"])

    async def _export(self, job: Record, export_type: str, *, cancel: bool) -> None:
        answer = await _patiently(lambda: self.org.client.request_export(job["id"], export_type))
        export_id = expect_status(answer, 202, 200).data["id"]
        self._requested.append(export_id)
        if cancel:
            path = {"export_id": export_id}
            answer = await _patiently(lambda: self.org.client.call("cancelExport", path=path))
            expect_status(answer, 202, 409)


async def _patiently(send: Callable[[], Awaitable[Answer]]) -> Answer:
    for _ in range(PATIENCE - 1):
        answer = await send()
        if answer.status != 503:
            return answer
    return await send()
