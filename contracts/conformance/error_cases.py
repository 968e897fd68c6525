"""One way to provoke every kind of error that the contract names."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.shared.requests.stalled_upload import stalled_upload
from harness.client import Answer, Client, Organization, Organizations, Record, Sample, Samples
from harness.client.multipart import encode_form

TOO_LARGE = 52_428_800 + 65_536 + 1
"""A Content-Length that no upload may have, whatever its frame (CONTRACT, evidence upload)."""

IN_FLIGHT_TRIES = 5

Send = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class ErrorCase:
    """A request that must be refused, and how."""

    what: str
    statuses: tuple[int, ...]
    send: Send
    codes: tuple[str, ...] = ()
    """What the contract calls it; empty where it leaves the name open."""
    field: str = ""
    """The field that `errors` must tell of; empty where it is about no field."""
    headers: tuple[str, ...] = ()
    """Headers that the refusal must carry."""
    retryable: bool | None = None
    """What `retryable` must say; None where both can be meant."""


@dataclass(frozen=True, kw_only=True)
class ErrorCases:
    """A tenant with a job, evidence, and exports that are ready and canceled."""

    organizations: Organizations
    org: Organization
    job: Record
    evidence: Record
    sample: Sample
    ready: str
    canceled: str | None
    fresh: Samples = field(repr=False)

    @classmethod
    async def of(
        cls, organizations: Organizations, org: Organization, samples: Samples
    ) -> "ErrorCases":
        """Make it."""
        client = org.client
        job = await org.new_job()
        sample = samples.new("image/png")
        evidence = await client.new_evidence(job["id"], sample)
        ready = (await client.new_export(job["id"], "proof-pack"))["id"]
        canceled = (await client.new_export(job["id"], "ledger"))["id"]
        answer = await client.call("cancelExport", path={"export_id": canceled})
        await client.wait_for_export(ready)
        return cls(
            organizations=organizations,
            org=org,
            job=job,
            evidence=evidence,
            sample=sample,
            ready=ready,
            canceled=canceled if answer.status == 202 else None,
            fresh=samples,
        )

    def cases(self) -> list[ErrorCase]:
        """Every kind of refusal that takes nothing but a request."""
        return [*self._bad_requests(), *self._refused_people(), *self._absent(), *self._conflicts()]

    def _bad_requests(self) -> list[ErrorCase]:
        refused = {"statuses": (400, 415, 422), "retryable": False}
        job = {"job_id": self.job["id"]}
        key = {"idempotency-key": str(uuid.uuid4())}
        return [
            _of("JSON that ends in the middle", self._raw(b'{"title": "x'), **refused),
            _of("a body that is not JSON", self._raw(b"title=x"), **refused),
            _of("a JSON array for an object", self._raw(b"[]"), **refused),
            _of("bytes that are not UTF-8", self._raw(b'{"title": "\xff"}'), **refused),
            _of("NUL in a title", self._raw(b'{"title": "a\\u0000b"}'), statuses=(400, 422, 201)),
            _of("no title", self._raw(b"{}"), field="title", **refused),
            _of("a number for a title", self._raw(b'{"title": 1}'), field="title", **refused),
            _of("an empty title", self._raw(b'{"title": ""}'), field="title", **refused),
            _of("JSON sent as text", self._raw(b'{"title": "x"}', "text/plain"), **refused),
            _of(
                "filters that are a list",
                self._export(b'{"filters": []}'),
                field="filters",
                **refused,
            ),
            _of(
                "a limit of 0", self._call("listJobs", query={"limit": 0}), field="limit", **refused
            ),
            _of(
                "a limit that is a word",
                self._call("listJobs", query={"limit": "x"}),
                field="limit",
                **refused,
            ),
            _of(
                "an unknown export type",
                self._export(b"{}", "everything"),
                statuses=(400,),
                retryable=False,
            ),
            _of(
                "neither manifest nor export_id",
                self._raw(b"{}", operation_id="verifyManifest"),
                statuses=(400,),
            ),
            _of(
                "an upload without a key",
                self._call("uploadEvidence", path=job, files={"file": self.sample}),
                statuses=(400,),
                retryable=False,
            ),
            _of(
                "an upload that is not a form",
                self._call(
                    "uploadEvidence",
                    path=job,
                    content=b"{}",
                    headers={**key, "content-type": "application/json"},
                ),
                statuses=(400, 415),
                retryable=False,
            ),
            _of(
                "a form without a file",
                self._call("uploadEvidence", path=job, form={"tag": "x"}, headers=key),
                statuses=(400,),
                retryable=False,
            ),
            _of(
                "an empty file",
                self._upload(Sample("a.png", "image/png", b"")),
                statuses=(400,),
                retryable=False,
            ),
            _of(
                "a type that is not allowed",
                self._upload(Sample("a.txt", "text/plain", b"hello")),
                statuses=(415,),
                retryable=False,
            ),
            _of(
                "content that is something else",
                self._upload(Sample("a.png", "image/png", b"%PDF-1.7\n%%EOF\n")),
                statuses=(422,),
                codes=("content_mismatch",),
                retryable=False,
            ),
            _of("an upload that is too large", self._too_large, statuses=(413,), retryable=False),
            _of(
                "a key used for another request",
                self._reused_key,
                statuses=(422,),
                codes=("idempotency_key_reused",),
                retryable=False,
            ),
        ]

    def _refused_people(self) -> list[ErrorCase]:
        challenged = {"statuses": (401,), "headers": ("www-authenticate",)}
        viewer, nobody = self.org.as_role("viewer"), self.organizations.with_token(None)
        broken = self.organizations.with_token(self.org.tokens["member"][:-4] + "AAAA")
        job = {"job_id": self.job["id"]}
        exported = {**job, "export_type": "ledger"}
        return [
            _of("no token", self._call("listJobs", client=nobody), **challenged),
            _of("no token, and a body", self._raw(b"{}", client=nobody), **challenged),
            _of(
                "no token, and a download",
                self._call("downloadExport", path={"export_id": self.ready}, client=nobody),
                **challenged,
            ),
            _of(
                "a token that is no token",
                self._call("getJob", path=job, client=self.organizations.with_token("x")),
                **challenged,
            ),
            _of(
                "a signature that does not hold",
                self._call("getJob", path=job, client=broken),
                **challenged,
            ),
            _of(
                "a viewer who creates a job",
                self._raw(b'{"title": "x"}', client=viewer),
                statuses=(403,),
            ),
            _of(
                "a viewer who requests an export",
                self._call("requestExport", path=exported, json={}, client=viewer),
                statuses=(403,),
            ),
        ]

    def _absent(self) -> list[ErrorCase]:
        nothing = str(uuid.uuid4())
        calls = [
            self._call(operation_id, path={name: nothing})
            for operation_id, name in (
                ("getJob", "job_id"),
                ("listEvidence", "job_id"),
                ("listExports", "job_id"),
                ("getEvidence", "evidence_id"),
                ("getEvidenceContent", "evidence_id"),
                ("getExport", "export_id"),
                ("cancelExport", "export_id"),
                ("retryExport", "export_id"),
                ("downloadExport", "export_id"),
                ("getManifest", "export_id"),
                ("getLedgerEvent", "event_id"),
                ("verifyLedgerEvent", "event_id"),
            )
        ]
        calls.append(
            self._call("requestExport", path={"job_id": nothing, "export_type": "ledger"}, json={})
        )
        calls.append(self._call("verifyManifest", json={"export_id": nothing}))
        return [_of("an id of nothing", call, statuses=(404,)) for call in calls]

    def _conflicts(self) -> list[ErrorCase]:
        path = {"export_id": self.ready}
        beyond = {"range": "bytes=999999999-"}
        evidence = {"evidence_id": self.evidence["id"]}
        cases = [
            _of("canceling what is ready", self._call("cancelExport", path=path), statuses=(409,)),
            _of("retrying what is ready", self._call("retryExport", path=path), statuses=(409,)),
            _of(
                "a range beyond the end of a file",
                self._call("getEvidenceContent", path=evidence, headers=beyond),
                statuses=(416,),
            ),
            _of(
                "a range beyond the end of a ZIP",
                self._call("downloadExport", path=path, headers=beyond),
                statuses=(416,),
            ),
            _of(
                "a key in flight",
                self._key_in_flight,
                statuses=(409, 201),  # 201 where it was never looked at in time
                headers=("retry-after",),
                retryable=True,
            ),
        ]
        if self.canceled is not None:
            canceled = {"export_id": self.canceled}
            cases += [
                _of(
                    f"{operation_id} of what is canceled",
                    self._call(operation_id, path=canceled),
                    statuses=(409,),
                )
                for operation_id in ("downloadExport", "getManifest", "cancelExport", "retryExport")
            ]
        return cases

    def _call(
        self,
        operation_id: str,
        *,
        client: Client | None = None,
        **request: Any,  # noqa: ANN401
    ) -> Send:
        return lambda: (client or self.org.client).call(operation_id, **request)

    def _raw(
        self,
        body: bytes,
        content_type: str = "application/json",
        *,
        operation_id: str = "createJob",
        client: Client | None = None,
    ) -> Send:
        headers = {"content-type": content_type}
        return self._call(operation_id, content=body, headers=headers, client=client)

    def _export(self, body: bytes, export_type: str = "ledger") -> Send:
        path = {"job_id": self.job["id"], "export_type": export_type}
        headers = {"content-type": "application/json"}
        return self._call("requestExport", path=path, content=body, headers=headers)

    def _upload(self, sample: Sample) -> Send:
        return lambda: self.org.client.upload(self.job["id"], sample)

    async def _reused_key(self) -> Answer:
        key = str(uuid.uuid4())
        await self.org.client.upload(self.job["id"], self.sample, key=key)
        return await self.org.client.upload(self.job["id"], self.fresh.new(), key=key)

    async def _key_in_flight(self) -> Answer:
        """The second of two uploads under one key, while the first is still coming in.

        When a request begins to be in flight is the backend's affair: it may not have looked at
        the first one yet, and then the second is simply done. So it is tried several times.
        """
        for tries_left in reversed(range(IN_FLIGHT_TRIES)):
            sample, key = self.fresh.new(), str(uuid.uuid4())
            async with stalled_upload(self.org.client, self.job, sample, key=key, instance=0):
                await self.org.client.call("live", instance=0)
                answer = await self.org.client.upload(self.job["id"], sample, key=key, instance=0)
            if answer.status != 201 or not tries_left:
                return answer
        raise AssertionError("the last try gives its answer")

    async def _too_large(self) -> Answer:
        _, content_type = encode_form({}, {"file": self.sample})
        gone_on = asyncio.Event()

        async def a_little() -> AsyncIterator[bytes]:
            yield b"--"
            await gone_on.wait()  # the refusal must not wait for the body

        headers: Mapping[str, str] = {
            "content-type": content_type,
            "content-length": str(TOO_LARGE),
            "idempotency-key": str(uuid.uuid4()),
        }
        return await self.org.client.call(
            "uploadEvidence", path={"job_id": self.job["id"]}, content=a_little(), headers=headers
        )


def _of(what: str, send: Send, **rest: Any) -> ErrorCase:  # noqa: ANN401 - a provocation's fields
    return ErrorCase(what=what, send=send, **rest)
