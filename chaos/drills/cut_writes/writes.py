"""Requests that change something, each with a way to see afterwards what it has changed."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus

from harness.client import Answer, Client, Organization, Sample
from harness.errors import Absent
from harness.expect import expect, expect_equal
from harness.vocabulary.events import EXPORT_COMPLETED
from harness.vocabulary.exports import CANCELED, FAILED

EVENT_ONCE = "ledger.event-once"
FINAL = "export.states-in-order"


@dataclass(frozen=True, kw_only=True)
class Write(ABC):
    """One request, sent once or again. Its organization is its own: no other client writes there.

    What was changed is read from the instance `reads_at`, which no fault harms.
    """

    org: Organization
    reads_at: int

    @property
    @abstractmethod
    def operation_id(self) -> str:
        """The operation."""

    @property
    def key(self) -> str | None:
        """Its Idempotency-Key; None where it is sent without one."""
        return None

    @property
    def reading(self) -> Client:
        """The client that looks."""
        return self.org.client.at(self.reads_at)

    @abstractmethod
    async def send(self, instance: int | None = None) -> Answer:
        """Send the request."""

    @abstractmethod
    async def records(self) -> Sequence[str]:
        """Give the ids of what it has made or changed by now; none where it had no effect."""

    @abstractmethod
    async def expect_whole(self, records: Sequence[str]) -> None:
        """Fail unless what it has made has everything that belongs to it."""


@dataclass(frozen=True, kw_only=True)
class KeyedWrite(Write):
    """A write with an Idempotency-Key."""

    own_key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def key(self) -> str | None:
        """The key."""
        return self.own_key

    @abstractmethod
    async def send_other(self, instance: int | None = None) -> Answer:
        """Send another request under the same key: it must be refused once the key is used."""

    async def settle(self, records: Sequence[str]) -> None:
        """End what it has made, where one that is not over would hide a second one."""


@dataclass(frozen=True, kw_only=True)
class Upload(KeyedWrite):
    """The upload of a file to a job of its own."""

    job_id: str
    sample: Sample
    other: Sample
    """What is sent under the same key as another request."""

    operation_id = "uploadEvidence"

    async def send(self, instance: int | None = None) -> Answer:
        """Upload the file."""
        return await self._upload(self.sample, instance)

    async def send_other(self, instance: int | None = None) -> Answer:
        """Upload other bytes under the same key."""
        return await self._upload(self.other, instance)

    async def _upload(self, sample: Sample, instance: int | None) -> Answer:
        return await self.org.client.upload(
            self.job_id, sample, key=self.own_key, instance=instance
        )

    async def records(self) -> Sequence[str]:
        """Give the evidence of its job."""
        listed = await self.reading.listed("listEvidence", path={"job_id": self.job_id})
        return [str(each["id"]) for each in listed]

    async def expect_whole(self, records: Sequence[str]) -> None:
        """Fail unless the evidence downloads as it was sent, and one event was written of it."""
        for each in records:
            path = {"evidence_id": each}
            answer = await self.reading.call("getEvidenceContent", path=path)
            is_whole = answer.followed().status == HTTPStatus.OK
            expect(
                is_whole and answer.body == self.sample.content,
                expected=f"evidence {each} to download as it was sent: {self.sample.size} bytes",
                got=f"{len(answer.body)} other bytes" if is_whole else answer.describe(),
                rule="half-written.object-there",
                subject="uploadEvidence",
            )
            await expect_events(self.reading, each, "evidence.sealed", 1)


@dataclass(frozen=True, kw_only=True)
class ExportRequest(KeyedWrite):
    """The request of an export of a job of its own."""

    job_id: str
    other_job_id: str
    """Whose export is requested under the same key as another request."""
    is_keyed: bool = True
    """Whether the backend takes keys for this; else it is sent without."""
    is_ended_first: bool = False
    """Whether its export is canceled before the request is repeated: while one is live, a request
    that is done again gives that one.
    """

    operation_id = "requestExport"

    @property
    def key(self) -> str | None:
        """The key, where there are any."""
        return self.own_key if self.is_keyed else None

    async def send(self, instance: int | None = None) -> Answer:
        """Request the export."""
        return await self.org.client.request_export(self.job_id, key=self.key, instance=instance)

    async def send_other(self, instance: int | None = None) -> Answer:
        """Request the export of another job under the same key."""
        return await self.org.client.request_export(
            self.other_job_id, key=self.key, instance=instance
        )

    async def settle(self, records: Sequence[str]) -> None:
        """Cancel its export, where that is wanted, and where clients can cancel."""
        if self.is_ended_first and self.reading.has("cancelExport"):
            for each in records:
                await self.reading.call("cancelExport", path={"export_id": each})

    async def records(self) -> Sequence[str]:
        """Give the exports of its job."""
        listed = await self.reading.listed("listExports", path={"job_id": self.job_id})
        return [str(each["id"]) for each in listed]

    async def expect_whole(self, records: Sequence[str]) -> None:
        """Fail unless one event was written of the request."""
        for each in records:
            await expect_events(self.reading, each, "export.requested", 1)


@dataclass(frozen=True, kw_only=True)
class NewJob(Write):
    """The creation of a job, which takes no key: one request makes one job at most."""

    title: str

    operation_id = "createJob"

    async def send(self, instance: int | None = None) -> Answer:
        """Create the job."""
        wanted = {"title": self._title}
        return await self.org.client.call("createJob", json=wanted, instance=instance)

    @cached_property
    def _title(self) -> str:
        return self.org.client.marked(self.title)

    async def records(self) -> Sequence[str]:
        """Give the jobs of this title."""
        listed = await self.reading.listed("listJobs")
        return [str(each["id"]) for each in listed if each["title"] == self._title]

    async def expect_whole(self, records: Sequence[str]) -> None:
        """Nothing belongs to a job yet."""


@dataclass(frozen=True, kw_only=True)
class Cancellation(Write):
    """The cancellation of an export."""

    export_id: str

    operation_id = "cancelExport"

    async def send(self, instance: int | None = None) -> Answer:
        """Cancel it."""
        path = {"export_id": self.export_id}
        return await self.org.client.call("cancelExport", path=path, instance=instance)

    async def records(self) -> Sequence[str]:
        """Give the export, if it is canceled."""
        shown = await self.reading.get_export(self.export_id)
        return [self.export_id] if shown["state"] == CANCELED else []

    async def expect_whole(self, records: Sequence[str]) -> None:
        """Fail unless one event was written of the cancellation, and none of one that was not.

        What is canceled was never completed: whichever of the two is first is final.
        """
        await expect_events(self.reading, self.export_id, "export.canceled", len(records))
        if records:
            await expect_events(self.reading, self.export_id, EXPORT_COMPLETED, 0, rule=FINAL)


@dataclass(frozen=True, kw_only=True)
class Retry(Write):
    """The retry of a failed export, on a system where no worker takes it up."""

    export_id: str

    operation_id = "retryExport"

    async def send(self, instance: int | None = None) -> Answer:
        """Retry it."""
        path = {"export_id": self.export_id}
        return await self.org.client.call("retryExport", path=path, instance=instance)

    async def records(self) -> Sequence[str]:
        """Give the export, if it has not failed any more."""
        shown = await self.reading.get_export(self.export_id)
        return [] if shown["state"] == FAILED else [self.export_id]

    async def expect_whole(self, records: Sequence[str]) -> None:
        """Fail unless the ledger has one event of the request and one of a retry that was done."""
        await expect_events(self.reading, self.export_id, "export.requested", 1 + len(records))


async def expect_events(
    client: Client, target_id: str, name: str, count: int, *, rule: str = ""
) -> None:
    """Fail unless the ledger has so many events of a name about one thing.

    `rule` is what is broken by others than these, where it is not the ledger's.
    """
    try:
        events = await client.ledger_events(target_id=target_id)
    except Absent:  # it shows no events: what is left is judged
        return
    found = sum(event["event_name"] == name for event in events)
    broken = rule or ("ledger.event-written" if found < count else EVENT_ONCE)
    expect_equal(found, count, f"number of {name} events", rule=broken, subject=name)
