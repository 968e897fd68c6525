"""Two organizations, and some who are nobody, taking turns on the same few connections."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.client import Answer, Client, NoAnswer, Organization, Sample, Samples, together
from harness.client.multipart import encode_form
from harness.expect import expect, expect_equal, expect_status

ABANDONED_AFTER_S = 0.004
"""How soon an impatient client hangs up: most often somewhere in the middle."""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One of the organizations that take turns."""

    organization: Organization
    job_id: str
    evidence_id: str
    export_id: str
    secret: str
    """A text that is in its data only."""

    @property
    def client(self) -> Client:
        """Its member's client."""
        return self.organization.client


async def tenant(organization: Organization, samples: Samples) -> Tenant:
    """Give an organization something that the other must not see."""
    secret = f"Secret {uuid.uuid4()}"
    job = await organization.new_job(secret)
    evidence = await organization.client.new_evidence(job["id"], samples.new())
    export = await organization.client.new_export(job["id"])
    return Tenant(
        organization=organization,
        job_id=job["id"],
        evidence_id=evidence["id"],
        export_id=export["id"],
        secret=secret,
    )


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests of two tenants and of others, each of them judged as it comes back."""

    first: Tenant
    second: Tenant
    nobody: Client
    """With a valid token that names no organization."""
    stranger: Client
    """With no token."""
    samples: Samples

    async def run(self, *, concurrent_rounds: int, at_once: int) -> int:
        """Take turns one by one, then in crowds of several at once; give how many were answered."""
        answered = 0
        for turn in self._turns():
            answered += await turn()
        for _ in range(concurrent_rounds):
            answered += sum(await together((turn() for turn in self._turns()), at_once=at_once))
        return answered

    def _turns(self) -> list[Callable[[], Awaitable[int]]]:
        """One round, in which no two neighbors are of the same organization."""
        first, second = self._of(self.first, self.second), self._of(self.second, self.first)
        between = [self._without_organization, self._without_token, self._without_claims]
        turns: list[Callable[[], Awaitable[int]]] = []
        for number, (one, other) in enumerate(zip(first, second[1:] + second[:1], strict=True)):
            turns += [one, between[number % len(between)], other]
        return turns

    def _of(self, own: Tenant, other: Tenant) -> list[Callable[[], Awaitable[int]]]:
        """What one organization asks in a round: what it may, what it may not, what fails."""
        return [
            lambda: self._sees_its_own(own, other),
            lambda: self._finds_nothing(own, other),
            lambda: self._changes(own, other),
            lambda: self._is_refused(own, other),
            lambda: self._hangs_up(own),
            lambda: self._lists(own, other),
        ]

    async def _sees_its_own(self, own: Tenant, other: Tenant) -> int:
        answer = await own.client.call("getJob", path={"job_id": own.job_id})
        expect_equal(expect_status(answer, 200).data["id"], own.job_id, "the id of one's own job")
        export = await own.client.call("getExport", path={"export_id": own.export_id})
        expect_status(export, 200)
        return _judged([answer, export], other)

    async def _finds_nothing(self, own: Tenant, other: Tenant) -> int:
        answers = [
            await own.client.call("getJob", path={"job_id": other.job_id}),
            await own.client.call("getEvidence", path={"evidence_id": other.evidence_id}),
            await own.client.call("getExport", path={"export_id": other.export_id}),
        ]
        for answer in answers:
            expect_status(answer, 404, detail="to another organization's id, between its requests")
        return _judged(answers, other)

    async def _lists(self, own: Tenant, other: Tenant) -> int:
        jobs = await own.client.call("listJobs")
        seen = {job["id"] for job in expect_status(jobs, 200).items}
        expect(
            own.job_id in seen and other.job_id not in seen,
            expected="one's own jobs and nobody else's in the list, between another's requests",
            got=f"one's own {'is' if own.job_id in seen else 'is not'} there, the other's "
            f"{'is' if other.job_id in seen else 'is not'}",
        )
        events = await own.client.call("listLedgerEvents")
        targets = {event["target_id"] for event in expect_status(events, 200).items}
        expect(
            own.evidence_id in targets and not targets & {other.evidence_id, other.export_id},
            expected="one's own events and nobody else's in the ledger, between another's requests",
            got=f"events about {sorted(map(str, targets))}",
        )
        return _judged([jobs, events], other)

    async def _changes(self, own: Tenant, other: Tenant) -> int:
        made = expect_status(await own.client.call("createJob", json={"title": "A turn"}), 201)
        found = await own.client.call("getJob", path={"job_id": made.data["id"]})
        expect_status(found, 200, detail="to the job that was made a moment ago")
        hidden = await other.client.call("getJob", path={"job_id": made.data["id"]})
        expect_status(hidden, 404, detail="to a job that another organization made a moment ago")
        return _judged([made, found], other) + 1

    async def _is_refused(self, own: Tenant, other: Tenant) -> int:
        """Requests that end in an error: what they had set must go as well."""
        key = str(uuid.uuid4())
        answers = [
            await own.client.call("createJob", json={"title": 7}),
            await own.client.call("createJob", json={"title": "a\u0000b"}),
            await own.client.call("listJobs", query={"cursor": "nonsense", "limit": "1000"}),
            await own.client.call("retryExport", path={"export_id": own.export_id}),
            await own.client.upload(own.job_id, self.samples.new(), key=key),
            await own.client.upload(own.job_id, self.samples.new(), key=key),
            await own.organization.as_role("viewer").call("createJob", json={"title": "No"}),
        ]
        return _judged(answers, other)

    async def _hangs_up(self, own: Tenant) -> int:
        """Clients that do not wait for their answers, and one that goes in mid-upload."""
        for operation_id in ("listJobs", "listLedgerEvents"):
            with suppress(NoAnswer):
                await own.client.call(operation_id, deadline_s=ABANDONED_AFTER_S)
        await cut_off(own.client, own.job_id, self.samples.new())
        return 0

    async def _without_organization(self) -> int:
        answer = await self.nobody.call("listJobs")
        expect_status(answer, 403, detail="to a token without an organization, after others'")
        return _judged([answer], self.first, self.second)

    async def _without_token(self) -> int:
        answer = await self.stranger.call("listJobs")
        expect_status(answer, 401, detail="to a request without a token, after others'")
        return _judged([answer], self.first, self.second)

    async def _without_claims(self) -> int:
        """Queries of the service itself, which have nobody's claims."""
        answers = [await self.stranger.call("ready"), await self.stranger.call("metrics")]
        return _judged(answers, self.first, self.second)


def _judged(answers: list[Answer], *strangers: Tenant) -> int:
    """Fail if an answer tells what only another organization may know; give how many there are."""
    for answer in answers:
        for other in strangers:
            expect(
                other.secret not in answer.text,
                expected=f"nothing of another organization in the answer to {answer.operation_id}",
                got=answer.describe(),
            )
    return len(answers)


async def cut_off(client: Client, job_id: str, sample: Sample) -> None:
    """Begin an upload, send half of it, and break the connection."""
    body, content_type = encode_form({}, {"file": sample})
    base = urlsplit(client.transport.base_urls[0])
    route = client.routes["uploadEvidence"]
    head = "\r\n".join(
        [
            f"{route.method} {route.path({'job_id': job_id})} HTTP/1.1",
            f"Host: {base.netloc}",
            f"Authorization: Bearer {client.token}",
            f"Idempotency-Key: {uuid.uuid4()}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            "\r\n",
        ]
    )
    _, writer = await asyncio.open_connection(base.hostname, base.port)
    try:
        writer.write(head.encode() + body[: len(body) // 2])
        await writer.drain()
    finally:
        writer.close()
