"""The same bytes in the same job are one record, also with other keys."""

from functools import partial

from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import (
    expect_deduplicated,
    expect_new_evidence,
    expect_one_new_evidence,
)
from contracts.shared.requests.keyed_requests import expect_replayed
from contracts.shared.resources.evidence import expect_evidence_ids, expect_field
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Sample, Samples, together
from harness.errors import CheckFailed
from harness.expect import expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
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
    cells: Cells,
) -> None:
    """Upload the same bytes again to the same job, with other keys, names and fields.

    The answer must be the existing record, marked as deduplicated. The same bytes in another job
    or organization, or files that differ in one byte, are new. Of concurrent uploads one makes
    the record, and the bytes are stored once.
    """
    job = await org.new_job()
    client, sample = org.client, samples.new()
    form = {"tag": "roof", "phase": "before"}
    cell = partial(cells.of, operation="uploadEvidence")
    with precondition("upload.accepted"):
        first = await client.upload(job["id"], sample, key="first", form=form)
        made = {str(expect_status(first, 201).data["id"])}
    async with cell(case="bytes that are new"):
        recall(first.exchange)
        expect_new_evidence(first, "bytes that are new")
    for what, again, fields in (
        ("the same file", sample, form),
        ("another name", Sample("renamed.png", sample.mime_type, sample.content), form),
        ("another tag and phase", sample, {"tag": "cellar", "phase": "after"}),
        ("no tag and no phase", sample, None),
    ):
        async with cell(case=what):
            answer = await client.upload(job["id"], again, key=f"again: {what}", form=fields)
            note_made(answer, made)
            expect_deduplicated(answer, first.data, what)
            observe(what="deduplicated")
    for kind in samples.one_of_each():
        async with cell(case="the same file", type=kind.mime_type):
            new = await client.new_evidence(job["id"], kind)
            made.add(new["id"])
            answer = await client.upload(job["id"], kind)
            note_made(answer, made)
            expect_deduplicated(answer, new, f"the same {kind.mime_type}")
            observe(what="deduplicated")

    # The second key has its own answer now, which is replayed as well.
    for key in ("first", "again: the same file"):
        async with cell(case=f"replay of the key of: {key}"):
            expect_replayed(await client.upload(job["id"], sample, key=key, form=form), first)
            observe(what="replayed")

    await look_elsewhere(org, other_org, job, sample, cells, observe)
    await look_at_similar(client, job, samples, made, cells, observe)
    async with cells.of(operation="listLedgerEvents", what="after repeated uploads"):
        await expect_events(client, first.data["id"], SEALED_ONCE, "repeated uploads")

    objects = StoredObjects.of(system, target)
    for race in range(RACES):
        raced = samples.new()
        async with cell(case="concurrent uploads"):
            answers = await together(
                client.upload(job["id"], raced, key=f"race {race}, {number}")
                for number in range(RACERS)
            )
            for answer in answers:
                note_made(answer, made)
            winner = expect_one_new_evidence(answers).data
            await expect_events(client, winner["id"], SEALED_ONCE, "concurrent uploads")
            observe(RACERS, what="raced")
        if objects is not None:
            async with cell(case="concurrent uploads", what="stored objects"):
                await expect_one_object(objects, raced)
    async with cells.of(operation="listEvidence", what="after all uploads"):
        what = "after all uploads"
        await expect_evidence_ids(client, job["id"], made, what, rule="lists.whole")


def note_made(answer: Answer, made: set[str]) -> None:
    """Remember a record that was made, rightly or not: a cell judges whether it should be."""
    if answer.status == 201:
        made.add(answer.data["id"])


async def look_elsewhere(
    org: Organization,
    other_org: Organization,
    job: Record,
    sample: Sample,
    cells: Cells,
    observe: Observations,
) -> None:
    """Judge that bytes of one job, or of one organization, are new in another one."""
    foreign_job = await other_org.new_job()
    for what, client, job_id in (
        ("another job", org.client, (await org.new_job())["id"]),
        ("another organization", other_org.client, foreign_job["id"]),
    ):
        async with cells.of(operation="uploadEvidence", case=f"the same bytes in {what}"):
            answer = await client.upload(job_id, sample)
            expect_new_evidence(answer, f"bytes that are new in {what}")
            evidence = answer.data
            expect_equal(evidence["job_id"], job_id, f"job_id of evidence in {what}")
            await expect_events(client, evidence["id"], SEALED_ONCE, "an upload")
            await expect_evidence_ids(client, job_id, [evidence["id"]], f"in {what}")
            observe(what="new elsewhere")
    async with cells.of(operation="listEvidence", field="organization_id"):
        listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
        shown = {item["organization_id"] for item in listed}
        expect_equal(shown, {org.id}, "organizations of the evidence")


async def look_at_similar(
    client: Client,
    job: Record,
    samples: Samples,
    made: set[str],
    cells: Cells,
    observe: Observations,
) -> None:
    """Judge that files that differ in one byte only are new."""
    picture = samples.of_size(150_000)
    middle, end = picture.size // 2, picture.size - 1
    for what, at in (("as it is", None), ("its middle changed", middle), ("its end changed", end)):
        content = bytearray(picture.content)
        if at is not None:
            content[at] ^= 1
        similar = Sample(picture.file_name, picture.mime_type, bytes(content))
        case = f"a file of the same name and size, {what}"
        async with cells.of(operation="uploadEvidence", case=case):
            answer = await client.upload(job["id"], similar)
            note_made(answer, made)
            expect_new_evidence(answer, case)
            expect_field(answer.data, "file_sha256", similar.sha256, detail=what)
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
