"""What an API answers while its database is gone, and how it comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from chaos.drills.worker_drill import WorkerDrill
from harness.client import Answer, NoAnswer, Organization, Sample
from harness.errors import CheckFailed
from harness.expect import expect
from harness.waiting import wait_until

AT_ONCE = 12
"""Requests that are sent at the same moment afterwards: more than a pool may have dead connections
that nobody has noticed, or each of them is met."""

WITH_KEYS = 3
"""Uploads of the same bytes at the same moment, each under a key of its own."""

_POLL_S = 0.1


@dataclass(kw_only=True)
class Outage:
    """The requests of one organization, whose job and evidence were there before."""

    drill: WorkerDrill
    owner: Organization
    job_id: str
    export_id: str
    sample: Sample

    @classmethod
    async def of(cls, drill: WorkerDrill, *, instance: int | None = None) -> "Outage":
        """Make what is asked for; of the API instance of this number, where one is given."""
        owner, job_id, _ = await drill.backlog.job_with_evidence()
        if instance is not None:
            owner = replace(owner, client=owner.client.at(instance))
        export_id = await drill.backlog.request_one(owner, job_id)
        return cls(
            drill=drill,
            owner=owner,
            job_id=(await owner.new_job())["id"],
            export_id=export_id,
            sample=drill.backlog.samples.new(),
        )

    @property
    def back_within_s(self) -> float:
        """Within how many seconds all works again: what an instance has to get ready."""
        return self.drill.target.api.ready_timeout_s

    def live(self) -> Awaitable[Answer]:
        """Ask whether the process lives."""
        return self.owner.client.call("live")

    def ready(self) -> Awaitable[Answer]:
        """Ask whether it can serve."""
        return self.owner.client.call("ready")

    def requests(self) -> Mapping[str, Callable[[], Awaitable[Answer]]]:
        """Give one request of each kind: all that write, and one that reads."""
        client = self.owner.client
        job = {"title": client.marked("in an outage")}
        of_export = {"export_id": self.export_id}
        kinds: dict[str, Callable[[], Awaitable[Answer]]] = {
            "createJob": lambda: client.call("createJob", json=job),
            "uploadEvidence": lambda: client.upload(self.job_id, self.sample),
            "requestExport": lambda: client.request_export(self.job_id),
            "cancelExport": lambda: client.call("cancelExport", path=of_export),
            "getExport": lambda: client.call("getExport", path=of_export),
        }
        return {name: kind for name, kind in kinds.items() if client.has(name)}

    async def expect_unavailable(self, name: str, asked: Awaitable[Answer]) -> None:
        """Expect 503 with `Retry-After` of a request during the outage."""
        answer = await asked
        expect(
            answer.status == 503,
            expected=f"503 from {name} while the database is gone",
            got=answer.describe(),
            rule="outage.unavailable",
            subject=name,
        )
        expect(
            answer.lacks_header("retry-after") or answer.headers.get("retry-after"),
            expected=f"a Retry-After header from {name} while the database is gone",
            got=answer.describe(),
            rule="header.retry-after",
            subject=name,
        )

    async def expect_back(self) -> None:
        """Expect, in time, so many requests at once to be served that each connection is used."""
        seen = "nothing was asked"

        async def all_served() -> bool:
            nonlocal seen
            answers = await asyncio.gather(
                self._status(self.ready()),
                *(self._status(self.owner.client.call("listJobs")) for _ in range(AT_ONCE)),
                *(self._status(self._new_job()) for _ in range(AT_ONCE)),
                *(self._status(each) for each in self._with_a_key()),
            )
            wrong = [each for each in answers if each]
            seen = f"{len(wrong)} of {len(answers)} were not served, such as: {wrong[:1]}"
            return not wrong

        await wait_until(
            all_served,
            self.back_within_s,
            "",
            poll_s=_POLL_S,
            error=lambda _waited: CheckFailed(
                expected=f"{AT_ONCE} requests of a kind at once to be served within "
                f"{self.back_within_s:g} s after the database is back, without a restart",
                got=seen,
                rule="outage.recovers",
            ),
        )

    def _new_job(self) -> Awaitable[Answer]:
        title = self.owner.client.marked("after an outage")
        return self.owner.client.call("createJob", json={"title": title})

    def _with_a_key(self) -> list[Awaitable[Answer]]:
        """Give requests under new idempotency keys, which may have connections of their own."""
        client = self.owner.client
        if not client.has("uploadEvidence"):
            return []
        return [client.upload(self.job_id, self.sample) for _ in range(WITH_KEYS)]

    @staticmethod
    async def _status(asked: Awaitable[Answer]) -> str:
        """Give what is wrong with an answer, empty for nothing."""
        try:
            answer = await asked
        except NoAnswer as failure:
            return failure.got
        return "" if 200 <= answer.status < 300 else answer.describe()
