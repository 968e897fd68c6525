"""Rounds of equal requests, most of which are refused, to see what each of them leaves behind."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from harness.client import Answer, Organization, Record, Samples, together
from harness.expect import expect_status

AT_ONCE = 4
"""Requests that are sent at the same moment: so many connections an honest pool may still open."""

TIMES = 10
"""How often each kind of request is sent in a round: more often than that."""


@dataclass(kw_only=True)
class EqualRounds:
    """Sends the same requests in each round. Made when its export is ready."""

    owner: Organization
    job_id: str
    evidence: Record
    export_id: str
    samples: Samples
    used_key: str = field(default_factory=lambda: str(uuid.uuid4()))

    async def prepare(self) -> None:
        """Use up an idempotency key."""
        sample = self.samples.new()
        expect_status(await self.owner.client.upload(self.job_id, sample, key=self.used_key), 201)

    async def run(self) -> Mapping[str, int]:
        """Send one round; give how often each kind of request was answered as it must be.

        `CheckFailed` when one is answered in another way.
        """
        sent = {name: kind for name, kind in self._kinds().items() if self.owner.client.has(name)}
        for kind in sent.values():
            await together((kind() for _ in range(TIMES)), at_once=AT_ONCE)
        return dict.fromkeys(sent, TIMES)

    def _kinds(self) -> Mapping[str, Callable[[], Awaitable[Answer]]]:
        client = self.owner.client

        async def absent_export() -> Answer:
            path = {"export_id": str(uuid.uuid4())}
            return expect_status(await client.call("getExport", path=path), 404)

        async def ended_export() -> Answer:
            path = {"export_id": self.export_id}
            return expect_status(await client.call("cancelExport", path=path), 409)

        async def other_request() -> Answer:
            sample = self.samples.new()
            answer = await client.upload(self.job_id, sample, key=self.used_key)
            return expect_status(answer, 409, 422)  # 409: beside another one under the key

        async def absent_job() -> Answer:
            return expect_status(await client.request_export(str(uuid.uuid4())), 404)

        async def jobs() -> Answer:
            return expect_status(await client.call("listJobs"), 200)

        return {
            # First: what is served may end what a refusal before it has left open.
            "listJobs": jobs,
            "getExport": absent_export,
            "cancelExport": ended_export,
            "uploadEvidence": other_request,
            "requestExport": absent_job,
        }
