"""The steps about a job and its files."""

import hashlib
import uuid
from random import Random

from harness.client import Organization, Samples
from harness.doctor.advice import Advice
from harness.doctor.walked import Seen, Walked
from harness.errors import Inconclusive

_KEY = "Idempotency-Key"


async def create_job(walked: Walked) -> Seen:
    """Make a job, or take the given one."""
    org = walked.have_org()
    if org.given_job:
        walked.job = await org.new_job()
        return f"the given job {walked.job['id']} is used", None
    answer = await org.client.call("createJob", json={"title": org.client.marked("Doctor")})
    walked.expect_success(answer, 201)
    walked.job = job = answer.data
    job["id"]
    walked.noticed.thing("job", job)
    walked.noticed.header(answer, "Location")
    walked.noticed.header(answer, "X-Request-ID")
    return f"{job['id']}", None


async def upload(walked: Walked) -> Seen:
    """Upload a file, also once more."""
    org, job = walked.have_org(), walked.job
    if job is None:
        raise Inconclusive("there is no job to upload to")
    samples = Samples(Random(0))
    walked.sample = sample = samples.new()
    key = None if org.client.without.header(_KEY, "uploadEvidence") else str(uuid.uuid4())
    answer = await org.client.upload(job["id"], sample, key=key)
    walked.expect_success(answer, 201, 200)
    walked.evidence = evidence = answer.data
    walked.key = key
    walked.noticed.thing("evidence", evidence)
    walked.noticed.header(answer, "Location")
    shown = evidence.get("file_sha256")
    if isinstance(shown, str) and shown.lower() != sample.sha256:
        return (
            f"file_sha256 is {shown}, the file's SHA-256 is {sample.sha256}",
            Advice(
                hint="another digest than that of the bytes that were sent: a bug, or "
                "file_sha256 is another field"
            ),
        )
    return await _upload_again(walked, org, samples, key)


async def _upload_again(
    walked: Walked, org: Organization, samples: Samples, key: str | None
) -> Seen:
    """Send the same once more, under the same key and under another one; then another file."""
    job, evidence = walked.job, walked.evidence
    assert job is not None
    assert evidence is not None
    assert walked.sample is not None
    said = f"{evidence['id']}, {len(walked.sample.content)} bytes"
    if key is not None:
        again = await org.client.upload(job["id"], walked.sample, key=key)
        walked.expect_success(again, 201, 200)
        if again.data["id"] != evidence["id"]:
            return (
                f"sent again under its key it became {again.data['id']}",
                Advice(
                    hint="a repeated request makes a second record: a bug, or the key has "
                    "another header",
                    lines=("[contract.headers]", 'Idempotency-Key = "…"'),
                ),
            )
        walked.noticed.header(again, "X-Idempotency-Replayed")
    same = await org.client.upload(job["id"], walked.sample)
    if same.status in (200, 201) and same.data.get("id") == evidence["id"]:
        walked.noticed.header(same, "X-Evidence-Deduplicated")
    walked.expect_success(await org.client.upload(job["id"], samples.new()), 201, 200)
    return said, None


async def download_file(walked: Walked) -> Seen:
    """Download what was uploaded."""
    org, evidence = walked.have_org(), walked.evidence
    if evidence is None or walked.sample is None:
        raise Inconclusive("there is no file to download")
    answer = await org.client.call(
        "getEvidenceContent", path={"evidence_id": evidence["evidence_id"]}
    )
    walked.expect_success(answer, 200)
    if not answer.may_lack_digest:
        walked.noticed.header(answer, "Repr-Digest")
    if hashlib.sha256(answer.body).hexdigest() != walked.sample.sha256:
        return (
            f"{len(answer.body)} bytes that are not those that were uploaded",
            Advice(hint="the bytes are changed, or something else answers here"),
        )
    return f"the {len(answer.body)} bytes that were uploaded", None


async def list_files(walked: Walked) -> Seen:
    """List the files of the job, whole and in a page."""
    org, job = walked.have_org(), walked.job
    if job is None or walked.evidence is None:
        raise Inconclusive("there are no files to list")
    path = {"job_id": job["id"]}
    items = await org.client.listed("listEvidence", path=path)
    walked.noticed.listed("listEvidence", items)
    if not walked.target.contract.without.has_no_pages("listEvidence"):
        page = await org.client.call("listEvidence", path=path, query={"limit": 1})
        walked.expect_success(page, 200)
        walked.noticed.listed("listEvidence", page.items, limit=1)
    return f"{len(items)} files", None
