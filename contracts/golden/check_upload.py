"""The golden path of evidence: a job, an upload, and the same upload again."""

import uuid
from collections.abc import Sequence

from contracts.golden.fields import EVIDENCE, expect_fields
from contracts.golden.new_job import make_and_look_at_job
from contracts.golden.new_resources import expect_json, expect_same
from contracts.golden.uploaded_files import Uploads
from contracts.shared.requests.keyed_requests import expect_replayed, is_replay
from contracts.shared.resources.evidence import (
    DESCRIBED,
    FORM,
    REPEATED_FORM,
    expect_evidence_ids,
)
from contracts.shared.resources.pages import Listing, expect_listed
from contracts.shared.resources.rule_ids import EVENT_ONCE, ONE_RECORD, REPLAY_MARKED
from harness.check import check
from harness.client import Answer, Organization, Record, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations


@check(
    "golden.upload",
    "A file of each type is sealed, listed, unchanged",
    checklist="Verify evidence upload end to end",
    observes=9 + 1 + 5,
)
async def check_upload(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Upload a real file of each allowed type, with and without optional fields.

    Each record must describe its file, look the same in every operation that shows it, be listed
    once for any page size, and its content must be the uploaded bytes.
    """
    job = await make_and_look_at_job(org, cells)
    uploads = Uploads(org=org, job=job, cells=cells, observe=observe)
    uploaded: list[Record] = []
    for sample in samples.one_of_each():
        for file in await uploads.upload(sample):
            await uploads.look_at(file)
            uploaded.append(file.evidence)
    uploaded += await look_at_upload_without_fields(org, job, samples, cells)
    observe(what="without optional fields")
    listing = Listing(operation_id="listEvidence", path={"job_id": job["id"]})
    for case, limit in {
        "pages of one": 1,
        "pages of four": 4,
        "a page of as many as there are": len(uploaded) or 1,
        "the largest pages": 100,
        "no limit": None,
    }.items():
        async with cells.of(operation="listEvidence", case=case):
            await expect_uploads_listed(org, listing, uploaded, limit)
            observe(what="lists")


async def look_at_upload_without_fields(
    org: Organization, job: Record, samples: Samples, cells: Cells
) -> list[Record]:
    """Judge that an upload without optional fields shows none; give its evidence, if any.

    The owner uploads, if known.
    """
    uploader = org.as_role("owner") if org.is_fresh else org.client
    made: list[Answer] = []
    case = "without optional fields"
    async with cells.of(operation="uploadEvidence", case=case):
        answer = await uploader.upload(job["id"], samples.new("application/pdf"))
        with precondition("upload.accepted"):
            expect_status(answer, 201, detail=f"a file {case}")
            expect(answer.data["id"], expected="the ID of new evidence", got=answer.describe())
        made.append(answer)
        expect_fields(answer.data, EVIDENCE)
    for answer in made:
        for name in ("tag", "phase", "captured_at"):
            async with cells.of(operation="uploadEvidence", case=case, field=name):
                recall(answer.exchange)
                expect(
                    not answer.data[name],
                    expected=f"no {name} of an upload without it",
                    got=repr(answer.data[name]),
                    rule=DESCRIBED,
                    subject=f"{name} in uploadEvidence",
                )
    return [answer.data for answer in made]


async def expect_uploads_listed(
    org: Organization, listing: Listing, uploaded: Sequence[Record], limit: int | None
) -> None:
    """Fail unless the list has each upload once, as its upload was answered."""
    ids = [evidence["id"] for evidence in uploaded]
    items = await expect_listed(org.client, listing, ids, limit=limit)
    shown = {item["id"]: item for item in items}
    for evidence in uploaded:
        expect_same(shown[evidence["id"]], evidence, listing.operation_id)


@check(
    "golden.upload-replay",
    "A repeated upload answers with the original",
    checklist="Verify evidence upload idempotency",
    observes=5,
)
async def check_upload_replay(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Send the same upload five times under one key, with and without quotes and captured_at.

    Every answer must be the original one, marked as a replay. There must be one record and one
    ledger event.
    """
    job = await org.new_job()
    sample, key = samples.new("image/jpeg"), f"shakedown-replay-{uuid.uuid4()}"
    with precondition("upload.accepted"):
        first = await org.client.upload(job["id"], sample, key=key, form=FORM)
        evidence_id = str(expect_status(first, 201).data["id"])
    other_moment = REPEATED_FORM | {"captured_at": "2025-12-24T18:00:00Z"}
    for case, repeated_key, form in (
        ("without captured_at", key, REPEATED_FORM),
        ("once more", key, REPEATED_FORM),
        ("the key in quotes", f'"{key}"', REPEATED_FORM),
        ("the same request", key, FORM),
        ("another captured_at", key, other_moment),
    ):
        async with cells.of(operation="uploadEvidence", case=case):
            again = await org.client.upload(
                job["id"], sample, key=repeated_key, form=form, instance=first.instance
            )
            expect_replayed(again, first)
            expect_json(again)
            observe()
    async with cells.of(operation="uploadEvidence", case="the first request"):
        recall(first.exchange)
        expect(
            not is_replay(first),
            expected="no X-Idempotency-Replayed on the first answer to a key",
            got=first.describe(),
            rule=REPLAY_MARKED,
            subject="uploadEvidence",
        )
    async with cells.of(operation="getEvidence", what="after repetitions"):
        shown = await org.client.call("getEvidence", path={"evidence_id": evidence_id})
        expect_same(expect_status(shown, 200).data, first.data, "getEvidence")
    async with cells.of(operation="listEvidence", what="after repetitions"):
        what = "after repetitions"
        await expect_evidence_ids(org.client, job["id"], [evidence_id], what, rule=ONE_RECORD)
    async with cells.of(operation="listLedgerEvents", what="after repetitions"):
        await expect_sealed_once(org, evidence_id)


async def expect_sealed_once(org: Organization, evidence_id: str) -> None:
    """Fail unless the ledger has one event of one upload that was repeated."""
    # Where other clients use the organization too, only this upload's own events count.
    about = None if org.is_fresh else evidence_id
    events = await org.client.ledger_events(target_id=about)
    expect_equal(
        [(event["event_name"], event["target_id"]) for event in events],
        [("evidence.sealed", evidence_id)],
        "ledger events after one upload was repeated",
        rule=EVENT_ONCE if events else "ledger.event-written",
        subject="evidence.sealed",
    )
