"""The same bytes in the same job are one record, whatever key they come under."""

import asyncio
import time

from contracts.upload.storage_folder import StorageFolder
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Sample, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

RACERS = 8
RACES = 3
CLEANED_UP_WITHIN_S = 5.0


@check(
    "upload.sha-dedup",
    "The same bytes under another key are the existing record, in the same job and nowhere else",
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
    job = await org.new_job()
    client, sample = org.client, samples.new()
    form = {"tag": "roof", "phase": "before"}
    first = await client.upload(job["id"], sample, key="first", form=form)
    expect_new(first, "bytes that are new")
    for what, again, fields in (
        ("the same file", sample, form),
        ("another name", Sample("renamed.png", sample.mime_type, sample.content), form),
        ("another tag and phase", sample, {"tag": "cellar", "phase": "after"}),
        ("no tag and no phase", sample, None),
    ):
        answer = await client.upload(job["id"], again, key=f"again: {what}", form=fields)
        expect_existing(answer, first.data, what)
        observe(what="deduplicated")
    for kind in samples.one_of_each():
        new = await client.new_evidence(job["id"], kind)
        answer = await client.upload(job["id"], kind)
        expect_existing(answer, new, f"the same {kind.mime_type}")
        observe(what="deduplicated")

    # The second key has an answer of its own now, as good as any.
    for key, fields in (("first", form), ("again: the same file", form)):
        replay = await client.upload(job["id"], sample, key=key, form=fields)
        expect(
            200 <= replay.status < 300 and replay.flag("x-idempotency-replayed"),
            expected=f"the original answer again under the key {key!r}, marked as a replay",
            got=f"{replay.headers.get('x-idempotency-replayed')!r} with {replay.describe()}",
        )
        expect_equal(replay.data, first.data, f"what the key {key!r} answers with")
        observe(what="replayed")

    await expect_new_elsewhere(org, other_org, job, sample, observe)
    await expect_new_when_nearly_alike(client, job, samples, observe)
    await expect_sealed_once(client, first.data)

    storage = StorageFolder.of(target, system)
    for race in range(RACES):
        raced = samples.new()
        answers = await together(
            client.upload(job["id"], raced, key=f"race {race}, {number}")
            for number in range(RACERS)
        )
        await expect_one_winner(client, answers)
        if storage is not None:
            await expect_one_object(storage, raced)
        observe(RACERS, what="raced")
    listed = await client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), 1 + 9 + 3 + RACES, "the records after all of these uploads")


def expect_new(answer: Answer, what: str) -> None:
    """Fail unless this is a new record that says so."""
    expect_status(answer, 201, detail=what)
    expect(
        not answer.flag("x-evidence-deduplicated"),
        expected=f"no X-Evidence-Deduplicated with {what}",
        got=answer.describe(),
    )


def expect_existing(answer: Answer, existing: Record, what: str) -> None:
    """Fail unless this is the record that was there before, unchanged."""
    expect_status(answer, 200, detail=f"bytes that the job has, {what}, another key")
    expect(
        answer.flag("x-evidence-deduplicated"),
        expected=f"X-Evidence-Deduplicated: true for bytes that the job has, {what}",
        got=f"{answer.headers.get('x-evidence-deduplicated')!r} with {answer.describe()}",
    )
    expect_equal(answer.data, existing, f"the existing record, asked for with {what}")


async def expect_new_elsewhere(
    org: Organization, other_org: Organization, job: Record, sample: Sample, observe: Observations
) -> None:
    """Fail where the bytes of one job, or one organization, count for another one."""
    foreign_job = await other_org.new_job()
    for what, client, job_id in (
        ("another job", org.client, (await org.new_job())["id"]),
        ("another organization", other_org.client, foreign_job["id"]),
    ):
        answer = await client.upload(job_id, sample)
        expect_new(answer, f"bytes that only {what} has")
        evidence = answer.data
        expect_equal(evidence["job_id"], job_id, f"job_id of evidence in {what}")
        await expect_sealed_once(client, evidence)
        listed = await client.listed("listEvidence", path={"job_id": job_id})
        expect_equal([item["id"] for item in listed], [evidence["id"]], f"evidence of {what}")
        observe(what="new elsewhere")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(
        {item["organization_id"] for item in listed}, {org.id}, "whose evidence the job holds"
    )


async def expect_new_when_nearly_alike(
    client: Client, job: Record, samples: Samples, observe: Observations
) -> None:
    """Fail where files that differ in one byte only, and in nothing else, are taken for one."""
    picture = samples.of_size(150_000)
    middle, end = picture.size // 2, picture.size - 1
    for what, at in (("as it is", None), ("its middle changed", middle), ("its end changed", end)):
        content = bytearray(picture.content)
        if at is not None:
            content[at] ^= 1
        alike = Sample(picture.file_name, picture.mime_type, bytes(content))
        answer = await client.upload(job["id"], alike)
        expect_new(answer, f"a file of one name and size, {what}")
        expect_equal(answer.data["file_sha256"], alike.sha256, f"file_sha256, {what}")
        observe(what="nearly alike")


async def expect_sealed_once(client: Client, evidence: Record) -> None:
    """Fail unless the ledger knows the record once."""
    events = await client.ledger_events(target_id=evidence["id"])
    expect_equal(
        [event["event_name"] for event in events],
        ["evidence.sealed"],
        f"the ledger events of evidence {evidence['id']}",
    )


async def expect_one_winner(client: Client, answers: list[Answer]) -> None:
    """Fail unless of many at once one made the record and the others were given it."""
    for answer in answers:
        expect_status(answer, 200, 201, detail="the same bytes under many keys at once")
    winners = [answer for answer in answers if answer.status == 201]
    expect(
        len(winners) == 1,
        expected=f"one new record from {len(answers)} uploads of the same bytes at once",
        got=f"{len(winners)}: {[answer.data['id'] for answer in winners]}",
    )
    expect_new(winners[0], "the first of many")
    for answer in answers:
        if answer.status == 200:
            expect_existing(answer, winners[0].data, "at the same time")
    await expect_sealed_once(client, winners[0].data)


async def expect_one_object(storage: StorageFolder, sample: Sample) -> None:
    """Fail unless, a moment later, the bytes are stored once: those who lost clean up."""
    until = time.monotonic() + CLEANED_UP_WITHIN_S
    while len(found := await storage.copies(sample.content)) > 1 and time.monotonic() < until:
        await asyncio.sleep(0.05)
    expect(
        len(found) <= 1,
        expected=f"one object with bytes that are one record, within {CLEANED_UP_WITHIN_S:g} s",
        got=f"{len(found)}: {[str(path) for path in found]}",
    )
