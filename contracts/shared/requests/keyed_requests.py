"""Requests that take an Idempotency-Key, and what each answer under a key must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.shared.resources.rule_ids import ONE_RECORD, REPLAY_MARKED
from harness.client import Answer, Client, Record, Sample
from harness.errors import CheckFailed
from harness.expect import SERVER_ERROR, expect, expect_equal, expect_status
from harness.findings.preconditions import precondition
from harness.waiting import wait_until

REUSED = "idempotency_key_reused"

REUSE_REFUSED = "idempotency.reuse-refused"
"""The rule that a key is refused to any other request."""

ACCEPTED = {"uploadEvidence": "upload.accepted", "requestExport": "export.requested"}
"""The precondition that a valid first request meets, by its operation."""

STABLE_IN_EXPORTS = ("id", "job_id", "organization_id", "export_type", "filters", "created_at")
"""What workers do not change in an export: a replay shows these fields at any time."""

GRACE_S = 2.0
"""Beyond a key's lease: an answer may take its time on a loaded machine."""


@dataclass(frozen=True, kw_only=True)
class KeyedRequest:
    """One request, which can be sent any number of times under any key."""

    what: str
    """Its name in messages."""
    operation_id: str
    path: Mapping[str, str]
    new_status: int
    """The status of its answer when it is new."""
    arguments: Mapping[str, Any] = field(repr=False)

    async def send(self, client: Client, key: str | None, *, instance: int | None = None) -> Answer:
        """Send it with this exact text as Idempotency-Key; None sends no such header."""
        return await client.call(
            self.operation_id,
            path=self.path,
            headers=None if key is None else {"idempotency-key": key},
            instance=instance,
            **self.arguments,
        )

    async def send_until_decided(
        self, client: Client, key: str, *, instance: int | None = None
    ) -> Answer:
        """Send it again while the answer is 409, key in flight; give the answer after that.

        Fails the check when the key stays in flight although no request uses it any more, for
        longer than the lease that the target declares.
        """
        lease_s = client.key_lease_s

        async def decided() -> Answer | None:
            answer = await self.send(client, key, instance=instance)
            return None if is_in_flight(answer) else answer

        def still_in_flight(waited: str) -> CheckFailed:
            return CheckFailed(
                expected=f"the key {key!r} free for {self.what} within its lease of {lease_s:g} s "
                "([limits] key_lease_s) after the request that used it has ended",
                got=f"409, {waited}",
                rule="idempotency.key-released",
                subject=self.operation_id,
            )

        decision = await wait_until(
            decided,
            lease_s + GRACE_S,
            "another answer than 409",
            poll_s=0.05,
            error=still_in_flight,
        )
        assert decision is not None
        return decision


def upload_of(job: Record, sample: Sample, *, part: str = "file", **form: str) -> KeyedRequest:
    """The upload of a file to a job; `form` may have `tag`, `phase` and `captured_at`."""
    return KeyedRequest(
        what="an upload",
        operation_id="uploadEvidence",
        path={"job_id": job["id"]},
        new_status=201,
        arguments={"files": {part: sample}, "form": form},
    )


def export_of(job: Record, export_type: str = "proof-pack", filters: object = None) -> KeyedRequest:
    """The request of an export of a job."""
    return KeyedRequest(
        what="an export request",
        operation_id="requestExport",
        path={"job_id": job["id"], "export_type": export_type},
        new_status=202,
        arguments={"json": {"filters": {} if filters is None else filters}},
    )


def is_in_flight(answer: Answer) -> bool:
    """Whether a request was refused because another with its key is not done yet (409).

    Where the backend has one word for this and for a reused key, a `Retry-After` tells.
    """
    is_reuse = answer.is_a(422) and "retry-after" not in answer.headers
    return answer.is_a(409) and not is_reuse


def is_replay(answer: Answer) -> bool:
    """Whether an answer is marked as a replay."""
    return answer.flag("x-idempotency-replayed")


def is_done_again(answer: Answer) -> bool:
    """Whether a request was taken for a new one, which found its effect there already."""
    return answer.flag("x-evidence-deduplicated") or answer.flag("x-export-in-progress")


async def send_first(
    request: KeyedRequest, client: Client, key: str | None, *, instance: int | None = None
) -> Answer:
    """Send a request under a new key, which the check needs to be accepted; give its answer.

    Fails when the answer is marked as a replay.
    """
    answer = await request.send(client, key, instance=instance)
    with precondition(ACCEPTED[request.operation_id]):
        expect_status(answer, request.new_status)
    expect_new(answer, request)
    return answer


def expect_new(answer: Answer, request: KeyedRequest, *, detail: str = "") -> Record:
    """Fail unless a request was answered as new, and not as a replay; give the data."""
    expect_status(answer, request.new_status, detail=detail)
    expect(
        not is_replay(answer),
        expected=f"no X-Idempotency-Replayed on the first answer to {request.what} under a key",
        got=answer.describe(),
        detail=detail,
        rule=REPLAY_MARKED,
        subject=answer.operation_id,
    )
    return answer.data


def expect_replayed(again: Answer, first: Answer, *, rule: str | None = None) -> None:
    """Fail unless `again` is the original answer of `first`, marked as a replay.

    Of an export only the fields count that workers do not change. `rule` is what another answer
    breaks, where the same request to the same instance is known to be replayed.
    """
    subject = first.operation_id
    same, marked = (ONE_RECORD, REPLAY_MARKED) if rule is None else (rule, rule)
    expect(
        200 <= again.status < 300,
        expected=f"the original answer of {subject} (any 2xx) to the same request under the same "
        "key",
        got=again.describe(),
        rule="answer.no-server-error" if again.status >= SERVER_ERROR else same,
        subject=subject,
    )
    if subject == "requestExport":
        for name in STABLE_IN_EXPORTS:
            what = f"{name} in the replayed answer"
            expect_equal(again.data[name], first.data[name], what, rule=same, subject=subject)
    else:
        what = "data of the replayed answer"
        expect_equal(again.data, first.data, what, rule=same, subject=subject)
    if again.lacks_header("x-idempotency-replayed"):
        return
    expect(
        is_replay(again) or not is_done_again(again) or is_done_again(first),
        expected=f"the original answer of {subject} to the same request under the same key",
        got=f"an answer to a new request: {again.describe()}",
        rule=same,
        subject=subject,
    )
    expect(
        is_replay(again),
        expected=f"X-Idempotency-Replayed: true with the original answer of {subject}",
        got=f"{again.headers.get('x-idempotency-replayed')!r} with {again.describe()}",
        rule=marked,
        subject=subject,
    )


def expect_reuse_refused(answer: Answer, difference: str, *, rule: str = REUSE_REFUSED) -> None:
    """Fail unless a key was refused because it belongs to another request."""
    subject = answer.operation_id
    detail = f"the same key for a request with {difference}"
    answer = answer.meant_as(422, codes=(REUSED,))
    expect_status(answer, 422, detail=detail, rule=rule)
    what = "code of the answer to a reused key"
    expect_equal(answer.code, REUSED, what, detail=detail, rule=rule, subject=subject)
    expect(
        not is_replay(answer),
        expected="no X-Idempotency-Replayed on a refusal",
        got=answer.describe(),
        detail=detail,
        rule=REPLAY_MARKED,
        subject=subject,
    )
