"""Allowed file types, and files whose content does not match the declared type."""

import random

from contracts.shared.resources.evidence import expect_field
from contracts.upload.mismatched_files import (
    HTML,
    REFUSED_TYPES,
    MismatchedFile,
    damaged,
    files_of_other_types,
    is_distinguishable,
    of_no_allowed_type,
)
from harness.check import check
from harness.client import ALLOWED_TYPES, Answer, Organization, Sample, Samples, together
from harness.expect import expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

AT_ONCE = 4
PAIRS = len(ALLOWED_TYPES) * (len(ALLOWED_TYPES) - 1) - 2  # MP4 and QuickTime count as one
MISMATCH = "content_mismatch"
SPELLINGS = ("IMAGE/PNG", "image/png; charset=binary", 'image/png;name="photo.png"')


@check(
    "upload.type-allowlist",
    "Only the nine allowed types are accepted",
    checklist="Verify allowed file types",
    observes=2 * len(ALLOWED_TYPES) + len(REFUSED_TYPES) + 7 + 2 * len(SPELLINGS),  # 7 honest
)
async def check_type_allowlist(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Upload a file of each allowed type, also with another name, and files of other types.

    The allowed ones must be accepted and shown with their type, the others refused (415). Other
    spellings of an allowed type may be refused, but never admit other content.
    """
    job = await org.new_job(may_hold_more=True)

    stored_anyway: set[str] = set()

    async def attempt(sample: Sample, *statuses: int) -> Answer:
        answer = await org.client.upload(job["id"], sample)
        if not answer.is_a(*statuses):
            stored_anyway.add(sample.mime_type.partition(";")[0].lower())
        return expect_status(
            answer, *statuses, detail=f"{sample.file_name} declared {sample.mime_type}"
        )

    async def accepted(sample: Sample, case: str) -> None:
        async with cells.of(operation="uploadEvidence", type=sample.mime_type, case=case):
            answer = await attempt(sample, 201)
            expect_field(answer.data, "mime_type", sample.mime_type)
            observe(what="accepted")
            cover("upload types", declared=sample.mime_type, actual=sample.mime_type)

    # The name is only shown: it neither changes the type nor has to fit it.
    for sample in samples.one_of_each():
        await accepted(sample, "its own name")
    for sample in samples.one_of_each():
        await accepted(Sample("note.txt", sample.mime_type, sample.content), "another name")

    async def refused(sample: Sample) -> None:
        async with cells.of(
            operation="uploadEvidence", type=sample.mime_type, case=sample.file_name
        ):
            await attempt(sample, 415)
            observe(what="refused")

    similar = [Sample("photo.png", name, samples.new().content) for name in REFUSED_TYPES]
    await together(map(refused, [*similar, *files_of_other_types()]), at_once=AT_ONCE)

    # Types may be in upper case and have parameters (RFC 9110, section 8.3.1); a backend may
    # refuse these forms.
    for spelling in SPELLINGS:
        real = samples.new("image/png")
        async with cells.of(operation="uploadEvidence", type=spelling, case="a PNG"):
            answer = await attempt(Sample("photo.png", spelling, real.content), 201, 415)
            if answer.status == 201:
                shown = str(answer.data["mime_type"]).partition(";")[0].strip().lower()
                expect_equal(shown, "image/png", "mime_type of a PNG", detail=spelling)
            observe(what="other spellings")
        async with cells.of(operation="uploadEvidence", type=spelling, case="HTML"):
            await attempt(Sample("photo.png", spelling, HTML), 415, 422)
            observe(what="other spellings")
    async with cells.of(operation="listEvidence", field="mime_type"):
        listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
        shown_types = {str(item["mime_type"]).partition(";")[0].lower() for item in listed}
        others = shown_types - set(ALLOWED_TYPES) - stored_anyway
        expect_equal(others, set(), "types of evidence that are not allowed")


@check(
    "upload.content-mismatch",
    "Content of another type than declared is refused",
    checklist="Verify file type validation by magic bytes",
    observes=PAIRS + 56 + 29,  # of no allowed type, damaged
)
async def check_content_mismatch(
    org: Organization,
    samples: Samples,
    rng: random.Random,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Upload real files of each allowed type declared as each other one, and damaged files.

    Each must be refused with 422 content_mismatch; the same files with their own type must be
    accepted.
    """
    job = await org.new_job(may_hold_more=True)
    real = {sample.mime_type: sample for sample in samples.one_of_each()}

    async def refused(declared: str, content: bytes, what: str, kind: str) -> None:
        named = Sample(real[declared].file_name, declared, content)
        answer = await org.client.upload(job["id"], named)
        detail = f"{what}, declared {declared}"
        answer = answer.meant_as(422, codes=(MISMATCH,))
        expect_status(answer, 422, detail=detail)
        code = "code for content of another type than declared"
        expect_equal(answer.code, MISMATCH, code, detail=detail)
        observe(what=kind)

    async def refused_pair(declared: str, actual: str) -> None:
        async with cells.of(operation="uploadEvidence", type=declared, case=actual):
            await refused(declared, real[actual].content, f"a real {actual}", "of another type")
            cover("upload types", declared=declared, actual=actual)

    await together(
        (
            refused_pair(declared, actual)
            for declared in ALLOWED_TYPES
            for actual in ALLOWED_TYPES
            if is_distinguishable(declared, actual)
        ),
        at_once=AT_ONCE,
    )

    async def refused_file(file: MismatchedFile, kind: str) -> None:
        for declared in file.not_of:
            # Which types are declared for content of no type differs between seeds.
            where = {"type": declared} if kind == "damaged" else {}
            async with cells.of(operation="uploadEvidence", case=file.what, **where):
                await refused(declared, file.content, file.what, kind)

    never = list(of_no_allowed_type(rng))
    await together((refused_file(file, "of no allowed type") for file in never), at_once=AT_ONCE)
    broken = [file for sample in real.values() for file in damaged(sample)]
    await together((refused_file(file, "damaged") for file in broken), at_once=AT_ONCE)
    for sample in real.values():  # with their own type all are accepted
        async with cells.of(operation="uploadEvidence", type=sample.mime_type, case="its own"):
            expect_status(await org.client.upload(job["id"], sample), 201, detail=sample.mime_type)
