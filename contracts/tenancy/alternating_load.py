"""Two organizations, and clients without one, alternate on the same few connections."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from contracts.tenancy.requests.expectations import NO_FOREIGN_DATA
from harness.client import Answer, Client, NoAnswer, Organization, Record, Samples, together
from harness.client.stalled_upload import stalled_upload
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells

Turn = Callable[[], Awaitable[int]]
"""Some requests of one client; gives the number of answers."""

DISCONNECT_AFTER_S = 0.004
"""After this time an impatient client disconnects, usually in the middle of its request."""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One of the organizations that alternate."""

    organization: Organization
    job: Record
    evidence_id: str
    export_id: str
    secret: str
    """A text that occurs only in its data."""

    @property
    def client(self) -> Client:
        """Its member's client."""
        return self.organization.client


async def create_tenant(organization: Organization, samples: Samples) -> Tenant:
    """Create data that the other organization must not see."""
    secret = f"Secret {uuid.uuid4()}"
    job = await organization.new_job(secret)
    evidence = await organization.client.new_evidence(job["id"], samples.new())
    export = await organization.client.new_export(job["id"])
    return Tenant(
        organization=organization,
        job=job,
        evidence_id=evidence["id"],
        export_id=export["id"],
        secret=secret,
    )


@dataclass(frozen=True, kw_only=True)
class AlternatingLoad:
    """Requests of two tenants and of clients without an organization; every answer is checked."""

    first: Tenant
    second: Tenant
    without_organization: Client
    """A client with a valid token that names no organization."""
    without_token: Client
    samples: Samples
    cells: Cells
    no_organization: tuple[int, ...] = (403,)
    """What refuses the client without an organization."""

    async def run(self, *, concurrent_rounds: int, at_once: int) -> int:
        """Run one sequential round, then concurrent ones; return the number of answers."""
        answered = 0
        for case, turn in self._turns():
            answered += await self._take(case, turn)
        for _ in range(concurrent_rounds):
            turns = (self._take(case, turn) for case, turn in self._turns())
            answered += sum(await together(turns, at_once=at_once))
        return answered

    async def _take(self, case: str, turn: Turn) -> int:
        """Take one turn as a cell; give the number of its answers, 0 after a finding."""
        answered: list[int] = []
        async with self.cells.of(case=case):
            answered.append(await turn())
        return sum(answered)

    def _turns(self) -> list[tuple[str, Turn]]:
        """One round, in which neighboring requests belong to different organizations."""
        first, second = (
            self._turns_of(self.first, self.second),
            self._turns_of(self.second, self.first),
        )
        between: list[tuple[str, Turn]] = [
            ("asks without an organization", self._ask_without_organization),
            ("asks without a token", self._ask_without_token),
            ("asks the service", self._ask_service),
        ]
        turns: list[tuple[str, Turn]] = []
        for number, (one, other) in enumerate(zip(first, second[1:] + second[:1], strict=True)):
            turns += [one, between[number % len(between)], other]
        return turns

    def _turns_of(self, own: Tenant, other: Tenant) -> list[tuple[str, Turn]]:
        """The requests of one organization: allowed ones, forbidden ones, and ones that fail."""
        return [
            ("reads its own", lambda: self._read_own(own, other)),
            ("reads what is foreign", lambda: self._read_foreign(own, other)),
            ("writes", lambda: self._write(own, other)),
            ("fails", lambda: self._fail(own, other)),
            ("disconnects", lambda: self._disconnect(own)),
            ("lists", lambda: self._list(own, other)),
        ]

    async def _read_own(self, own: Tenant, other: Tenant) -> int:
        answer = await own.client.call("getJob", path={"job_id": own.job["id"]})
        expect_equal(expect_status(answer, 200).data["id"], own.job["id"], "id of the own job")
        export = await own.client.call("getExport", path={"export_id": own.export_id})
        expect_status(export, 200)
        return _expect_no_leak([answer, export], other)

    async def _read_foreign(self, own: Tenant, other: Tenant) -> int:
        answers = [
            await own.client.call("getJob", path={"job_id": other.job["id"]}),
            await own.client.call("getEvidence", path={"evidence_id": other.evidence_id}),
            await own.client.call("getExport", path={"export_id": other.export_id}),
        ]
        for answer in answers:
            expect_status(answer, 404, detail="with a foreign id, under alternating load")
        return _expect_no_leak(answers, other)

    async def _list(self, own: Tenant, other: Tenant) -> int:
        jobs = await own.client.call("listJobs")
        seen = {job["id"] for job in expect_status(jobs, 200).items}
        is_own_listed, is_other_listed = own.job["id"] in seen, other.job["id"] in seen
        expect(
            is_own_listed and not is_other_listed,
            expected="the own job and not the other's in listJobs, under alternating load",
            got=f"own job listed: {is_own_listed}, other's job listed: {is_other_listed}",
        )
        events = await own.client.call("listLedgerEvents")
        targets = {event["target_id"] for event in expect_status(events, 200).items}
        expect(
            own.evidence_id in targets and not targets & {other.evidence_id, other.export_id},
            expected="own events and no others in listLedgerEvents, under alternating load",
            got=f"events about {sorted(map(str, targets))}",
        )
        return _expect_no_leak([jobs, events], other)

    async def _write(self, own: Tenant, other: Tenant) -> int:
        made = expect_status(await own.client.call("createJob", json={"title": "A turn"}), 201)
        found = await own.client.call("getJob", path={"job_id": made.data["id"]})
        expect_status(found, 200, detail="with the id of a new own job")
        hidden = await other.client.call("getJob", path={"job_id": made.data["id"]})
        expect_status(hidden, 404, detail="with the id of another organization's new job")
        return _expect_no_leak([made, found], other) + 1

    async def _fail(self, own: Tenant, other: Tenant) -> int:
        """Requests that end in an error: their settings must be reset as well."""
        key = str(uuid.uuid4())
        answers = [
            await own.client.call("createJob", json={"title": 7}),
            await own.client.call("createJob", json={"title": "a\u0000b"}),
            await own.client.call("listJobs", query={"cursor": "nonsense", "limit": "1000"}),
            await own.client.call("retryExport", path={"export_id": own.export_id}),
            await own.client.upload(own.job["id"], self.samples.new(), key=key),
            await own.client.upload(own.job["id"], self.samples.new(), key=key),
            await own.organization.as_role("viewer").call("createJob", json={"title": "No"}),
        ]
        return _expect_no_leak(answers, other)

    async def _disconnect(self, own: Tenant) -> int:
        """Clients that disconnect before the answer, and one in the middle of an upload."""
        for operation_id in ("listJobs", "listLedgerEvents"):
            with suppress(NoAnswer):
                await own.client.call(operation_id, deadline_s=DISCONNECT_AFTER_S)
        key, sample = str(uuid.uuid4()), self.samples.new()
        async with stalled_upload(own.client, own.job, sample, key=key, instance=0):
            return 0

    async def _ask_without_organization(self) -> int:
        answer = await self.without_organization.call("listJobs")
        statuses = self.no_organization
        expect_status(answer, *statuses, detail="without an organization, under alternating load")
        return _expect_no_leak([answer], self.first, self.second)

    async def _ask_without_token(self) -> int:
        answer = await self.without_token.call("listJobs")
        expect_status(answer, 401, detail="without a token, under alternating load")
        return _expect_no_leak([answer], self.first, self.second)

    async def _ask_service(self) -> int:
        """Requests that query without any claims."""
        asked = filter(self.without_token.has, ("ready", "metrics"))
        answers = [await self.without_token.call(operation_id) for operation_id in asked]
        return _expect_no_leak(answers, self.first, self.second)


def _expect_no_leak(answers: list[Answer], *others: Tenant) -> int:
    """Fail if an answer contains a secret of another organization; return the number of answers."""
    for answer in answers:
        for other in others:
            expect(
                other.secret not in answer.text,
                expected=f"no data of another organization in the answer to {answer.operation_id}",
                got=answer.describe(),
                rule=NO_FOREIGN_DATA,
                subject=answer.operation_id,
            )
    return len(answers)
