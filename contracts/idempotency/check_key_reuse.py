"""A key belongs to one accepted request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts.shared.requests.keyed_requests import (
    REUSED,
    KeyedRequest,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    is_replay,
    send_first,
    upload_of,
)
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Organization, Record, Sample, Samples
from harness.errors import CheckFailed
from harness.expect import SERVER_ERROR, expect, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability
from harness.vocabulary.exports import PROOF_PACK

PADDING = b"%" + b"shakedown " * 16_000 + b"\n"
"""A PDF comment of 160 kB: files with it differ only after the first chunks."""

NESTED = {"phase": "after", "range": {"from": 1, "tags": ["a", {"deep": "value"}]}}
OTHERWISE_NESTED = {"phase": "after", "range": {"from": 1, "tags": ["a", {"deep": "other"}]}}

REFUSED_BY = {
    "type not allowed": "upload.type-allowlist",
    "content of another type": "upload.content-mismatch",
    "no file": "upload.malformed-multipart",
    "an empty file": "upload.empty-file",
}
"""The rule that demands the refusal, of uploads that are refused before their key is judged."""


@check(
    "idempotency.key-reuse",
    "A used key is refused to any other request",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=36,
)
async def check_key_reuse(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Use a key, then send it to the same instance with requests that differ in one thing.

    Each must be refused (422) and leave nothing; the original request is still replayed. The key
    of a refused request is free: the corrected request must not get the old refusal.
    """
    cases = (uploads, bare_uploads, repeated_bytes, exports)
    for number, make_requests in enumerate(cases, 1):
        case = await make_requests(org, samples)
        key, firsts = f"taken-{number}", list[Answer]()
        async with cells.of(operation=case.first.operation_id, case=f"{case.name}: a new key"):
            firsts.append(await send_original(org, case, key))
        for original in firsts:
            await look_at_reuse(org, case, key, original, observe, cover, cells)
    await look_at_refusals(org, samples, observe, cover, cells)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A first request, others that are the same, and different ones by what differs."""

    name: str
    first: KeyedRequest
    same: Mapping[str, KeyedRequest] = field(default_factory=dict)
    others: Mapping[str, KeyedRequest]
    first_status: int | None = None
    """Where the first one is answered with another status than a new record's."""


async def send_original(org: Organization, case: Case, key: str) -> Answer:
    """Send the first request of a case, and give its answer."""
    if case.first_status is None:
        return await send_first(case.first, org.client, key, instance=0)
    original = await case.first.send(org.client, key, instance=0)
    detail = "the bytes of another upload with a new key"
    expect_status(original, case.first_status, detail=detail, rule="upload.one-record-of-bytes")
    return original


async def look_at_reuse(
    org: Organization,
    case: Case,
    key: str,
    original: Answer,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Look whether a key is refused to the other requests, which then have changed nothing."""
    operation = case.first.operation_id
    before = await take_snapshot(org.client)
    refused = 0
    for difference, other in case.others.items():
        async with cells.of(operation=operation, case=difference):
            expect_reuse_refused(await other.send(org.client, key, instance=0), difference)
            observe(what=f"reused {operation}")
            refused += 1
        cover("reused keys", operation=operation, difference=difference)
    if refused < len(case.others):
        return  # what was accepted has left records, and may have taken the key
    async with cells.of(operation=operation, case=f"{case.name}: what refused requests left"):
        await expect_nothing_left(org.client, before, what="requests with a used key")
    if operation == "requestExport":
        await org.client.wait_for_export(original.data["id"])
    for difference, again in {"nothing": case.first, **case.same}.items():
        async with cells.of(operation=operation, case=f"{case.name}: again with {difference} else"):
            expect_replayed(await again.send(org.client, key, instance=0), original)
            observe(what="replayed")
    async with cells.of(operation=operation, case=f"{case.name}: what replays left"):
        await expect_nothing_left(org.client, before, what="replays of the original request")


async def uploads(org: Organization, samples: Samples) -> Case:
    """An upload with all fields, and uploads that differ from it in one thing."""
    job, other_job = await org.new_job(), await org.new_job()
    plain = samples.new("application/pdf")
    sample, other_end = ended(plain, b"%1\n"), ended(plain, b"%2\n")
    same_form = {"tag": "before", "phase": "after"}
    first = upload_of(job, sample, captured_at="2026-01-31T12:00:00Z", **same_form)
    same = {
        "no captured_at": upload_of(job, sample, **same_form),
        "another captured_at": upload_of(
            job, sample, captured_at="2025-06-30T08:00:00+02:00", **same_form
        ),
    }
    return Case(name="an upload with all fields", first=first, same=same, others={
        "other bytes in the last line": upload_of(job, other_end, **same_form),
        "more bytes at the end": upload_of(job, ended(sample, b"%3\n"), **same_form),
        "another file": upload_of(job, samples.new("image/png"), **same_form),
        "another job": upload_of(other_job, sample, **same_form),
        "another tag": upload_of(job, sample, tag="roof", phase="after"),
        "another phase": upload_of(job, sample, tag="before", phase="before"),
        "no tag": upload_of(job, sample, phase="after"),
        "no phase": upload_of(job, sample, tag="before"),
        "tag and phase exchanged": upload_of(job, sample, tag="after", phase="before"),
        "tag and phase run together": upload_of(job, sample, tag="beforeafter"),
        "neither tag nor phase": upload_of(job, sample),
        "another job and other bytes": upload_of(other_job, other_end, **same_form),
    })  # fmt: skip


async def bare_uploads(org: Organization, samples: Samples) -> Case:
    """An upload without any optional field."""
    job = await org.new_job()
    sample = samples.new("image/jpeg")
    first = upload_of(job, sample)
    same = {"a captured_at": upload_of(job, sample, captured_at="2026-01-31T12:00:00Z")}
    return Case(name="an upload without fields", first=first, same=same, others={
        "a tag": upload_of(job, sample, tag="roof"),
        "a phase": upload_of(job, sample, phase="roof"),
        "an empty tag": upload_of(job, sample, tag=""),
        "an empty phase": upload_of(job, sample, phase=""),
    })  # fmt: skip


async def repeated_bytes(org: Organization, samples: Samples) -> Case:
    """An upload of bytes that the job has already: its answer (200) belongs to the key too."""
    job, other_job = await org.new_job(), await org.new_job()
    sample = samples.new("image/gif")
    await org.client.new_evidence(job["id"], sample)
    first, name = upload_of(job, sample), "an upload of bytes that are there"
    return Case(name=name, first=first, first_status=200, others={
        "another file than the deduplicated one": upload_of(job, samples.new("image/gif")),
        "another job than the deduplicated one": upload_of(other_job, sample),
    })  # fmt: skip


async def exports(org: Organization, samples: Samples) -> Case:
    """A request of an export."""
    job, other_job = await org.new_job(), await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    first = export_of(job, "proof-pack", NESTED)
    others = [each for each in org.client.export_types if each != PROOF_PACK]
    types = {"another type": export_of(job, others[0], NESTED)} if others else {}
    return Case(name="an export request", first=first, others={
        **types,
        "another job": export_of(other_job, "proof-pack", NESTED),
        "no filters": export_of(job, "proof-pack"),
        "other filters": export_of(job, "proof-pack", {"phase": "before"}),
        "filters that differ in depth": export_of(job, "proof-pack", OTHERWISE_NESTED),
    })  # fmt: skip


async def look_at_refusals(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Look whether the refusal of a request is replayed to the corrected request.

    The contract says what a key means after an accepted request. So the corrected request is new,
    or at most refused as another request with the same key.
    """
    job = await org.new_job()
    absent = Record(job, id="00000000-0000-4000-8000-000000000000")
    good, export = upload_of(job, samples.new("image/png")), export_of(job)
    gif = samples.new("image/gif")
    refused = {
        "type not allowed": upload_of(job, replace(gif, mime_type="text/html")),
        "content of another type": upload_of(job, replace(gif, mime_type="image/png")),
        "no file": upload_of(job, samples.new(), part="attachment"),
        "an empty file": upload_of(job, replace(gif, content=b"")),
        "a job that does not exist": upload_of(absent, samples.new()),
        "a type of export that does not exist": export_of(job, "everything"),
        "filters that are not an object": export_of(job, "proof-pack", ["phase"]),
        "an export of a job that does not exist": export_of(absent),
    }
    for number, (what, request) in enumerate(refused.items(), 1):
        key = f"refused-{number}"
        async with cells.of(operation=request.operation_id, case=f"after a refusal: {what}"):
            for attempt in ("first", "repeated"):
                answer = await request.send(org.client, key, instance=0)
                expect_refused(answer, f"the {attempt} request with {what}", REFUSED_BY.get(what))
            corrected = good if request.operation_id == "uploadEvidence" else export
            await expect_free(org, corrected, key, what)
            observe(what="keys of refused requests")
        cover("keys of refused requests", operation=request.operation_id, refused_for=what)


def expect_refused(answer: Answer, what: str, rule: str | None) -> None:
    """Fail unless a request was refused, and not by a replay; else it breaks `rule`."""
    if answer.status >= SERVER_ERROR:
        rule = "answer.no-server-error"
    expect(
        400 <= answer.status < 500 and not is_replay(answer),
        expected=f"4xx, not a replay, for {what}",
        got=answer.describe(),
        rule=rule or "",
        subject=answer.operation_id if rule else "",
    )


async def expect_free(org: Organization, corrected: KeyedRequest, key: str, what: str) -> None:
    """Fail unless the corrected request is accepted, or refused as reuse of the key."""
    answer = await corrected.send(org.client, key, instance=0)
    accepted = answer.status in {200, corrected.new_status} and not is_replay(answer)
    refused = answer.meant_as(422, codes=(REUSED,))
    if not accepted and (refused.status, refused.code) != (422, REUSED):
        raise CheckFailed(
            expected=f"{corrected.new_status} (or 422 {REUSED}) for the corrected request after a "
            f"request with the same key was refused for {what}",
            got=answer.describe(),
        )


def ended(sample: Sample, end: bytes) -> Sample:
    """The same file with a long comment and another end: same name, same beginning."""
    return replace(sample, content=sample.content + PADDING + end)
