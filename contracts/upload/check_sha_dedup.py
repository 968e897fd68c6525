"""The same bytes in the same job are one record, also with other keys."""

from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import (
    expect_deduplicated,
    expect_new_evidence,
    expect_one_new_evidence,
)
from contracts.shared.requests.keyed_requests import expect_replayed
from contracts.shared.resources.evidence import expect_evidence_ids
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Client, Organization, Record, Sample, Samples, together
from harness.errors import CheckFailed
from harness.expect import expect_equal
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target
from harness.waiting import wait_until

RACERS = 8
RACES = 3
CLEANED_UP_WITHIN_S = 5.0
SEALED_ONCE = ["evidence.sealed"]


@check(
    "upload.sha-dedup",
    "The same bytes in one job are one record",
    checklist="Verify duplicate evidence is detected by SHA-256",
    needs={Capability.ORGANIZATIONS},
    observes=9 + 4 + 2 + 5 + RACES * RACERS,
)
async def check_sha_dedup(
    target: Target,
    system: System,
    org: Organization,
    other_org: Organization,
    samples: Samples,
    observe: Observations,
) -> None:
    """Upload the same bytes again to the same job, with other keys, names and fields.

    The answer must be the existing record, marked as deduplicated. The same bytes in another job
    or organization, or files that differ in one byte, are new. Of concurrent uploads one makes
    the record, and the bytes are stored once.
    """
    job = await org.new_job()
    client, sample = org.client, samples.new()
    form = {"tag": "roof", "phase": "before"}
    first = await client.upload(job["id"], sample, key="first", form=form)
    expect_new_evidence(first, "bytes that are new")
    for what, again, fields in (
        ("the same file", sample, form),
        ("another name", Sample("renamed.png", sample.mime_type, sample.content), form),
        ("another tag and phase", sample, {"tag": "cellar", "phase": "after"}),
        ("no tag and no phase", sample, None),
    ):
        answer = await client.upload(job["id"], again, key=f"again: {what}", form=fields)
        expect_deduplicated(answer, first.data, what)
        observe(what="deduplicated")
    for kind in samples.one_of_each():
        new = await client.new_evidence(job["id"], kind)
        answer = await client.upload(job["id"], kind)
        expect_deduplicated(answer, new, f"the same {kind.mime_type}")
        observe(what="deduplicated")

    # The second key has its own answer now, which is replayed as well.
    for key, fields in (("first", form), ("again: the same file", form)):
        expect_replayed(await client.upload(job["id"], sample, key=key, form=fields), first)
        observe(what="replayed")

    await expect_new_elsewhere(org, other_org, job, sample, observe)
    await expect_new_when_similar(client, job, samples, observe)
    await expect_events(client, first.data["id"], SEALED_ONCE, "repeated uploads")

    objects = StoredObjects.of(system, target)
    for race in range(RACES):
        raced = samples.new()
        answers = await together(
            client.upload(job["id"], raced, key=f"race {race}, {number}")
            for number in range(RACERS)
        )
        winner = expect_one_new_evidence(answers).data
        await expect_events(client, winner["id"], SEALED_ONCE, "concurrent uploads")
        if objects is not None:
            await expect_one_object(objects, raced)
        observe(RACERS, what="raced")
    listed = await client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), 1 + 9 + 3 + RACES, "number of records after all uploads")


async def expect_new_elsewhere(
    org: Organization, other_org: Organization, job: Record, sample: Sample, observe: Observations
) -> None:
    """Fail when bytes of one job, or of one organization, are deduplicated in another one."""
    foreign_job = await other_org.new_job()
    for what, client, job_id in (
        ("another job", org.client, (await org.new_job())["id"]),
        ("another organization", other_org.client, foreign_job["id"]),
    ):
        answer = await client.upload(job_id, sample)
        expect_new_evidence(answer, f"bytes that are new in {what}")
        evidence = answer.data
        expect_equal(evidence["job_id"], job_id, f"job_id of evidence in {what}")
        await expect_events(client, evidence["id"], SEALED_ONCE, "an upload")
        await expect_evidence_ids(client, job_id, [evidence["id"]], f"in {what}")
        observe(what="new elsewhere")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    shown = {item["organization_id"] for item in listed}
    expect_equal(shown, {org.id}, "organizations of the evidence")


async def expect_new_when_similar(
    client: Client, job: Record, samples: Samples, observe: Observations
) -> None:
    """Fail when files that differ in one byte only are deduplicated."""
    picture = samples.of_size(150_000)
    middle, end = picture.size // 2, picture.size - 1
    for what, at in (("as it is", None), ("its middle changed", middle), ("its end changed", end)):
        content = bytearray(picture.content)
        if at is not None:
            content[at] ^= 1
        similar = Sample(picture.file_name, picture.mime_type, bytes(content))
        answer = await client.upload(job["id"], similar)
        expect_new_evidence(answer, f"a file of the same name and size, {what}")
        expect_equal(answer.data["file_sha256"], similar.sha256, f"file_sha256, {what}")
        observe(what="similar")


async def expect_one_object(objects: StoredObjects, sample: Sample) -> None:
    """Fail unless the bytes are soon stored only once: uploads that lost the race clean up."""

    def several(waited: str) -> CheckFailed:
        return CheckFailed(
            expected=f"one stored object for one record, within {CLEANED_UP_WITHIN_S:g} s",
            got=f"{objects.copies(sample.content)} objects: {waited}",
        )

    await wait_until(
        lambda: objects.copies(sample.content) <= 1,
        CLEANED_UP_WITHIN_S,
        "the other objects to be deleted",
        poll_s=0.05,
        error=several,
    )
