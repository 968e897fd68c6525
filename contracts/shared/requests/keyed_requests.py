"""Requests that take an Idempotency-Key, and what each answer under a key has to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.shared.resources.evidence import expect_replayed
from harness.client import Answer, Client, Record, Sample
from harness.expect import expect, expect_equal, expect_status

REUSED = "idempotency_key_reused"

STABLE_IN_EXPORTS = ("id", "job_id", "organization_id", "export_type", "filters", "created_at")
"""What work on an export does not change: a replay says it even when all else has moved on."""


@dataclass(frozen=True, kw_only=True)
class KeyedRequest:
    """One request, which can be sent any number of times under any key."""

    what: str
    """How a message speaks of it."""
    operation_id: str
    path: Mapping[str, str]
    fresh: int
    """The status of its answer when it is new."""
    arguments: Mapping[str, Any] = field(repr=False)

    async def send(self, client: Client, key: str | None, *, instance: int | None = None) -> Answer:
        """Send it with this very text as Idempotency-Key, None for no such header."""
        return await client.call(
            self.operation_id,
            path=self.path,
            headers=None if key is None else {"idempotency-key": key},
            instance=instance,
            **self.arguments,
        )


def upload_of(job: Record, sample: Sample, *, part: str = "file", **form: str) -> KeyedRequest:
    """The upload of a file to a job; `form` may say `tag`, `phase` and `captured_at`."""
    return KeyedRequest(
        what="an upload",
        operation_id="uploadEvidence",
        path={"job_id": job["id"]},
        fresh=201,
        arguments={"files": {part: sample}, "form": form},
    )


def export_of(job: Record, export_type: str = "proof-pack", filters: object = None) -> KeyedRequest:
    """The request of an export of a job."""
    return KeyedRequest(
        what="an export request",
        operation_id="requestExport",
        path={"job_id": job["id"], "export_type": export_type},
        fresh=202,
        arguments={"json": {"filters": {} if filters is None else filters}},
    )


def expect_new(answer: Answer, request: KeyedRequest, *, detail: str = "") -> Record:
    """Fail unless a request was answered as new, and not as a replay; give the data."""
    expect_status(answer, request.fresh, detail=detail)
    expect(
        not answer.flag("x-idempotency-replayed"),
        expected=f"no X-Idempotency-Replayed on the first answer to {request.what} under a key",
        got=answer.describe(),
        detail=detail,
    )
    return answer.data


def expect_original(again: Answer, first: Answer) -> None:
    """Fail unless `again` is the original answer of `first`, marked as a replay.

    Of an export the fields count that its way through the queue leaves as they are.
    """
    if first.operation_id != "requestExport":
        expect_replayed(again, first)
        return
    expect(
        200 <= again.status < 300 and again.flag("x-idempotency-replayed"),
        expected="the original answer (any 2xx) with X-Idempotency-Replayed: true to the same "
        "export request under the same key",
        got=f"X-Idempotency-Replayed {again.headers.get('x-idempotency-replayed')!r} with "
        f"{again.describe()}",
    )
    for name in STABLE_IN_EXPORTS:
        expect_equal(again.data[name], first.data[name], f"{name} in the replayed answer")


def expect_reuse_refused(answer: Answer, difference: str) -> None:
    """Fail unless a key that stands for another request was refused as such."""
    expect_status(answer, 422, detail=f"the same key for a request with {difference}")
    expect_equal(answer.code, REUSED, f"the code of the refusal of a key reused for {difference}")
    expect(
        not answer.flag("x-idempotency-replayed"),
        expected="no X-Idempotency-Replayed on a refusal",
        got=answer.describe(),
    )
