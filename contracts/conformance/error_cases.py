"""One request for every kind of error that the contract names."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.client import Answer, Client, Organization, Organizations, Record, Sample, Samples
from harness.client.multipart import encode_form
from harness.client.stalled_upload import stalled_upload
from harness.vocabulary.exports import PROOF_PACK

TOO_LARGE = 52_428_800 + 65_536 + 1
"""A Content-Length above the limit for every upload (CONTRACT, evidence upload)."""

IN_FLIGHT_TRIES = 5

MALFORMED = (400, 415, 422)
"""Statuses for a body or parameter that the operation does not take."""

Send = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True)
class ErrorCase:
    """A request that must be refused, and how."""

    name: str
    statuses: tuple[int, ...]
    send: Send
    codes: tuple[str, ...] = ()
    """The codes that the contract gives; empty where it leaves the code open."""
    field: str = ""
    """The field that `errors` must name; empty where no field is wrong."""
    headers: tuple[str, ...] = ()
    """Headers that the answer must have."""
    retryable: bool | None = None
    """The value of `retryable`; None where both are allowed."""


@dataclass(frozen=True, kw_only=True)
class ErrorCases:
    """Error cases about a tenant with a job, evidence, a ready and a canceled export."""

    organizations: Organizations
    org: Organization
    job: Record
    evidence: Record
    sample: Sample
    ready: str
    canceled: str | None
    samples: Samples = field(repr=False)

    @classmethod
    async def of(
        cls, organizations: Organizations, org: Organization, samples: Samples
    ) -> "ErrorCases":
        """Create the job, the evidence and the exports."""
        client = org.client
        job = await org.new_job()
        sample = samples.new("image/png")
        evidence = await client.new_evidence(job["id"], sample)
        ready = (await client.new_export(job["id"], "proof-pack"))["id"]
        light = client.light_type
        other = job if light != PROOF_PACK else await org.new_job()  # one live of a type
        canceled = (await client.new_export(other["id"], light))["id"]
        is_canceled = False
        if client.has("cancelExport"):
            answer = await client.call("cancelExport", path={"export_id": canceled})
            is_canceled = answer.status == 202
        await client.wait_for_export(ready)
        return cls(
            organizations=organizations,
            org=org,
            job=job,
            evidence=evidence,
            sample=sample,
            ready=ready,
            canceled=canceled if is_canceled else None,
            samples=samples,
        )

    def all(self) -> Iterator[ErrorCase]:
        """Every case, in the order in which they are sent."""
        yield from self._bad_json()
        yield from self._bad_parameters()
        yield from self._bad_uploads()
        yield from self._unauthorized()
        yield from self._forbidden()
        yield from self._not_found()
        yield from self._conflicts()
        yield from self._bad_ranges()

    def _bad_json(self) -> Iterator[ErrorCase]:
        for name, body, field_ in (
            ("JSON that ends in the middle", b'{"title": "x', ""),
            ("a body that is not JSON", b"title=x", ""),
            ("a JSON array for an object", b"[]", ""),
            ("bytes that are not UTF-8", b'{"title": "\xff"}', ""),
            ("no title", b"{}", "title"),
            ("a number for a title", b'{"title": 1}', "title"),
            ("an empty title", b'{"title": ""}', "title"),
        ):
            yield ErrorCase(name, MALFORMED, self._json(body), field=field_, retryable=False)
        yield ErrorCase("NUL in a title", (400, 422, 201), self._json(b'{"title": "a\\u0000b"}'))
        as_text = self._json(b'{"title": "x"}', content_type="text/plain")
        yield ErrorCase("JSON sent as text", MALFORMED, as_text, retryable=False)
        neither = self._json(b"{}", operation_id="verifyManifest")
        yield ErrorCase("neither manifest nor export_id", (400,), neither)

    def _bad_parameters(self) -> Iterator[ErrorCase]:
        filters, unknown = self._export(b'{"filters": []}'), self._export(b"{}", "everything")
        zero = self._call("listJobs", query={"limit": 0})
        word = self._call("listJobs", query={"limit": "x"})
        for name, statuses, send, field_ in (
            ("filters that are a list", MALFORMED, filters, "filters"),
            ("a limit of 0", MALFORMED, zero, "limit"),
            ("a limit that is a word", MALFORMED, word, "limit"),
            ("an unknown export type", (400,), unknown, ""),
        ):
            yield ErrorCase(name, statuses, send, field=field_, retryable=False)

    def _bad_uploads(self) -> Iterator[ErrorCase]:
        job, key = {"job_id": self.job["id"]}, {"idempotency-key": str(uuid.uuid4())}
        as_json = {**key, "content-type": "application/json"}
        without_key = self._call("uploadEvidence", path=job, files={"file": self.sample})
        no_form = self._call("uploadEvidence", path=job, content=b"{}", headers=as_json)
        no_file = self._call("uploadEvidence", path=job, form={"tag": "x"}, headers=key)
        empty = self._upload(Sample("a.png", "image/png", b""))
        text = self._upload(Sample("a.txt", "text/plain", b"hello"))
        mismatch = self._upload(Sample("a.png", "image/png", b"%PDF-1.7\n%%EOF\n"))
        for name, statuses, send, codes in (
            ("an upload without a key", (400,), without_key, ()),
            ("an upload that is not a form", (400, 415), no_form, ()),
            ("a form without a file", (400,), no_file, ()),
            ("an empty file", (400,), empty, ()),
            ("a type that is not allowed", (415,), text, ()),
            ("content of another type", (422,), mismatch, ("content_mismatch",)),
            ("an upload that is too large", (413,), self._too_large, ()),
            ("a reused key", (422,), self._reused_key, ("idempotency_key_reused",)),
        ):
            yield ErrorCase(name, statuses, send, codes=codes, retryable=False)

    def _unauthorized(self) -> Iterator[ErrorCase]:
        without = self.organizations.with_token(None)
        garbage = self.organizations.with_token("x")
        broken = self.organizations.with_token(self.org.tokens["member"][:-4] + "AAAA")
        job, ready = {"job_id": self.job["id"]}, {"export_id": self.ready}
        for name, send in (
            ("no token", self._call("listJobs", client=without)),
            ("no token, and a body", self._json(b"{}", client=without)),
            ("no token, and a download", self._call("downloadExport", path=ready, client=without)),
            ("a token that is no JWT", self._call("getJob", path=job, client=garbage)),
            ("an invalid signature", self._call("getJob", path=job, client=broken)),
        ):
            yield ErrorCase(name, (401,), send, headers=("www-authenticate",))

    def _forbidden(self) -> Iterator[ErrorCase]:
        viewer = self.org.as_role("viewer")
        path = {"job_id": self.job["id"], "export_type": viewer.light_type}
        create = self._json(b'{"title": "x"}', client=viewer)
        request = self._call("requestExport", path=path, json={}, client=viewer)
        yield ErrorCase("a viewer who creates a job", (403,), create)
        yield ErrorCase("a viewer who requests an export", (403,), request)

    def _not_found(self) -> Iterator[ErrorCase]:
        unknown = str(uuid.uuid4())
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
        ):
            case = f"an unknown id for {operation_id}"
            yield ErrorCase(case, (404,), self._call(operation_id, path={name: unknown}))
        path = {"job_id": unknown, "export_type": self.org.client.light_type}
        request = self._call("requestExport", path=path, json={})
        yield ErrorCase("an unknown id for requestExport", (404,), request)
        verify = self._call("verifyManifest", json={"export_id": unknown})
        yield ErrorCase("an unknown id for verifyManifest", (404,), verify)

    def _conflicts(self) -> Iterator[ErrorCase]:
        in_states = {
            self.ready: ("ready", ("cancelExport", "retryExport")),
            self.canceled: (
                "canceled",
                ("downloadExport", "getManifest", "cancelExport", "retryExport"),
            ),
        }
        for export_id, (state, operation_ids) in in_states.items():
            for operation_id in operation_ids if export_id else ():
                send = self._call(operation_id, path={"export_id": export_id})
                yield ErrorCase(f"{operation_id} of a {state} export", (409,), send)
        yield ErrorCase(
            "a key in flight",
            (409, 201),  # 201 where the backend had not yet read the first request
            self._key_in_flight,
            headers=("retry-after",),
            retryable=True,
        )

    def _bad_ranges(self) -> Iterator[ErrorCase]:
        beyond = {"range": "bytes=999999999-"}
        evidence, export = {"evidence_id": self.evidence["id"]}, {"export_id": self.ready}
        file = self._call("getEvidenceContent", path=evidence, headers=beyond)
        archive = self._call("downloadExport", path=export, headers=beyond)
        yield ErrorCase("a range beyond the end of a file", (416,), file)
        yield ErrorCase("a range beyond the end of a ZIP", (416,), archive)

    def _call(
        self,
        operation_id: str,
        *,
        client: Client | None = None,
        **request: Any,  # noqa: ANN401
    ) -> Send:
        return lambda: (client or self.org.client).call(operation_id, **request)

    def _json(
        self,
        body: bytes,
        *,
        content_type: str = "application/json",
        operation_id: str = "createJob",
        client: Client | None = None,
    ) -> Send:
        headers = {"content-type": content_type}
        return self._call(operation_id, content=body, headers=headers, client=client)

    def _export(self, body: bytes, export_type: str = "") -> Send:
        light = self.org.client.light_type
        path = {"job_id": self.job["id"], "export_type": export_type or light}
        headers = {"content-type": "application/json"}
        return self._call("requestExport", path=path, content=body, headers=headers)

    def _upload(self, sample: Sample) -> Send:
        return lambda: self.org.client.upload(self.job["id"], sample)

    async def _reused_key(self) -> Answer:
        key = str(uuid.uuid4())
        await self.org.client.upload(self.job["id"], self.sample, key=key)
        return await self.org.client.upload(self.job["id"], self.samples.new(), key=key)

    async def _key_in_flight(self) -> Answer:
        """The second of two uploads with one key, while the first one is still being sent.

        The backend decides when it reads the first request: if it has not done so yet, it simply
        accepts the second one. So this is tried several times.
        """
        for tries_left in reversed(range(IN_FLIGHT_TRIES)):
            sample, key = self.samples.new(), str(uuid.uuid4())
            async with stalled_upload(self.org.client, self.job, sample, key=key, instance=0):
                await self.org.client.call("live", instance=0)
                answer = await self.org.client.upload(self.job["id"], sample, key=key, instance=0)
            if answer.status != 201 or not tries_left:
                return answer
        raise AssertionError("the last try returns its answer")

    async def _too_large(self) -> Answer:
        _, content_type = encode_form({}, {"file": self.sample})
        never = asyncio.Event()

        async def unfinished_body() -> AsyncIterator[bytes]:
            yield b"--"
            await never.wait()  # the backend must refuse without waiting for the body

        headers: Mapping[str, str] = {
            "content-type": content_type,
            "content-length": str(TOO_LARGE),
            "idempotency-key": str(uuid.uuid4()),
        }
        path, body = {"job_id": self.job["id"]}, unfinished_body()
        return await self.org.client.call(
            "uploadEvidence", path=path, content=body, headers=headers
        )
