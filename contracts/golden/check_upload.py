"""The golden path of evidence: a job, an upload, and the same upload again."""

import json
import uuid

from contracts.golden.fields import (
    EVIDENCE,
    JOB,
    expect_echo,
    expect_fields,
    expect_json,
    expect_resource,
)
from contracts.shared.requests.keyed_requests import expect_replayed, is_replay
from contracts.shared.resources.evidence import (
    FORM,
    REPEATED_FORM,
    expect_content,
    expect_evidence_ids,
    expect_sealed,
)
from contracts.shared.resources.pages import Listing, expect_listed
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

TITLE = "Dachprüfung, north wing: 屋根 №1"


@check(
    "golden.upload",
    "A file of each type is sealed, listed, unchanged",
    checklist="Verify evidence upload end to end",
    observes=9 + 1 + 5,
)
async def check_upload(org: Organization, samples: Samples, observe: Observations) -> None:
    """Upload a real file of each allowed type, with and without optional fields.

    Each record must describe its file, look the same in every operation that shows it, be listed
    once for any page size, and its content must be the uploaded bytes.
    """
    job = await expect_job(org)
    uploaded: list[Record] = []
    for number, sample in enumerate(samples.one_of_each(), 1):
        answer = expect_status(
            await org.client.upload(job["id"], sample, form=FORM), 201, detail=sample.mime_type
        )
        evidence = expect_resource(answer, EVIDENCE)
        expect_sealed(evidence, sample, job, org)
        shown = expect_status(await org.client.follow(answer), 200)
        expect_equal(shown.data, evidence, "data at the Location of an upload")
        request_id = f"golden-upload-{number}"
        path = {"evidence_id": evidence["id"]}
        for operation_id in ("getEvidence", "getEvidenceContent"):
            read = await org.client.call(
                operation_id, path=path, headers={"x-request-id": request_id}
            )
            expect_echo(expect_status(read, 200), request_id)
            if operation_id == "getEvidence":
                expect_equal(read.data, evidence, "data of an upload from getEvidence")
            else:
                expect_content(read, sample.content, sample.mime_type, what=sample.mime_type)
        uploaded.append(evidence)
        observe()
    uploaded.append(await expect_without_fields(org, job, samples))
    observe(what="without optional fields")
    listing = Listing(operation_id="listEvidence", path={"job_id": job["id"]})
    ids = [evidence["id"] for evidence in uploaded]
    for limit in (1, 4, len(ids), 100, None):
        items = await expect_listed(org.client, listing, ids, limit=limit)
        shown_by_id = {item["id"]: item for item in items}
        for evidence in uploaded:
            expect_equal(shown_by_id[evidence["id"]], evidence, "data of an upload in the list")
        observe(what="lists")


async def expect_job(org: Organization) -> Record:
    """Fail unless a job can be created, found and listed; give it."""
    sent = {"x-request-id": "golden-job"}
    body = json.dumps({"title": TITLE}).encode()
    answer = await org.client.call(
        "createJob", content=body, headers=sent | {"content-type": "application/json"}
    )
    expect_echo(expect_status(answer, 201), "golden-job")
    job = expect_resource(answer, JOB)
    expect_equal(job["title"], TITLE, "title of a new job")
    expect_equal(job["organization_id"], org.id, "organization_id of a new job")
    shown = expect_status(await org.client.follow(answer), 200)
    expect_equal(shown.data, job, "data at the Location of a new job")
    read = await org.client.call("getJob", path={"job_id": job["id"]}, headers=sent)
    expect_echo(expect_status(read, 200), "golden-job")
    expect_equal(read.data, job, "data of a new job from getJob")
    if org.is_fresh:
        every = Listing(operation_id="listJobs")
        items = await expect_listed(org.client, every, [job["id"]], limit=None)
        expect_equal(items, [job], "jobs of an organization with one job")
    else:
        items = [each for each in await org.client.listed("listJobs") if each["id"] == job["id"]]
        expect_equal(items, [job], "new job in the list of jobs")
    return job


async def expect_without_fields(org: Organization, job: Record, samples: Samples) -> Record:
    """Fail unless an upload without optional fields shows none. The owner uploads, if known."""
    uploader = org.as_role("owner") if org.is_fresh else org.client
    answer = await uploader.upload(job["id"], samples.new("application/pdf"))
    evidence = expect_status(answer, 201, detail="a file without fields").data
    expect_fields(evidence, EVIDENCE)
    for name in ("tag", "phase", "captured_at"):
        expect(
            not evidence[name],
            expected=f"no {name} of an upload without it",
            got=repr(evidence[name]),
        )
    return evidence


@check(
    "golden.upload-replay",
    "A repeated upload answers with the original",
    checklist="Verify evidence upload idempotency",
    observes=5,
)
async def check_upload_replay(org: Organization, samples: Samples, observe: Observations) -> None:
    """Send the same upload five times under one key, with and without quotes and captured_at.

    Every answer must be the original one, marked as a replay. There must be one record and one
    ledger event.
    """
    job = await org.new_job()
    sample, key = samples.new("image/jpeg"), f"shakedown-replay-{uuid.uuid4()}"
    first = expect_status(await org.client.upload(job["id"], sample, key=key, form=FORM), 201)
    other_moment = REPEATED_FORM | {"captured_at": "2025-12-24T18:00:00Z"}
    for repeated_key, form in (
        (key, REPEATED_FORM),
        (key, REPEATED_FORM),
        (f'"{key}"', REPEATED_FORM),
        (key, FORM),
        (key, other_moment),
    ):
        again = await org.client.upload(
            job["id"], sample, key=repeated_key, form=form, instance=first.instance
        )
        expect_replayed(again, first)
        expect_json(again)
        observe()
    expect(
        not is_replay(first),
        expected="no X-Idempotency-Replayed on the first answer to a key",
        got=first.describe(),
    )
    path = {"evidence_id": first.data["id"]}
    shown = expect_status(await org.client.call("getEvidence", path=path), 200)
    expect_equal(shown.data, first.data, "data of evidence after its upload was repeated")
    await expect_evidence_ids(org.client, job["id"], [first.data["id"]], "after repetitions")
    # Where other clients use the organization too, only this upload's own events count.
    about = None if org.is_fresh else first.data["id"]
    events = await org.client.ledger_events(target_id=about)
    expect_equal(
        [(event["event_name"], event["target_id"]) for event in events],
        [("evidence.sealed", first.data["id"])],
        "ledger events after one upload was repeated five times",
    )
