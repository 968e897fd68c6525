"""Which types of files are evidence, and that a file is what it says it is."""

import random

from contracts.upload.strange_files import (
    HTML,
    REFUSED_TYPES,
    Strange,
    damaged,
    honest_others,
    of_no_allowed_type,
    tell_apart,
)
from harness.check import check
from harness.client import ALLOWED_TYPES, Answer, Organization, Sample, Samples, together
from harness.expect import expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

AT_ONCE = 4
PAIRS = len(ALLOWED_TYPES) * (len(ALLOWED_TYPES) - 1) - 2  # MP4 and QuickTime are not told apart
SPELLINGS = ("IMAGE/PNG", "image/png; charset=binary", 'image/png;name="photo.png"')


@check(
    "upload.type-allowlist",
    "Nine types of files are evidence; every other one is refused, whatever its name ends in",
    checklist="Verify allowed file types",
    observes=2 * len(ALLOWED_TYPES) + len(REFUSED_TYPES) + 7 + 2 * len(SPELLINGS),  # 7 honest
)
async def check_type_allowlist(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage
) -> None:
    job = await org.new_job()

    async def attempt(sample: Sample, *statuses: int) -> Answer:
        answer = await org.client.upload(job["id"], sample)
        return expect_status(
            answer, *statuses, detail=f"{sample.file_name} declared {sample.mime_type}"
        )

    async def accepted(sample: Sample) -> None:
        answer = await attempt(sample, 201)
        expect_equal(answer.data["mime_type"], sample.mime_type, "mime_type of new evidence")
        observe(what="accepted")

    # The name is shown only: neither does it make a file another one, nor must it fit.
    for sample in samples.one_of_each():
        await accepted(sample)
        cover("upload types", declared=sample.mime_type, actual=sample.mime_type)
    for sample in samples.one_of_each():
        await accepted(Sample("note.txt", sample.mime_type, sample.content))

    async def refused(sample: Sample) -> None:
        await attempt(sample, 415)
        observe(what="refused")

    tempting = [Sample("photo.png", name, samples.new().content) for name in REFUSED_TYPES]
    await together(map(refused, [*tempting, *honest_others()]), at_once=AT_ONCE)

    # Types are spelled in either case and may have parameters (RFC 9110, section 8.3.1); a
    # backend may insist on the plain form, but must not be fooled.
    for spelling in SPELLINGS:
        real = samples.new("image/png")
        answer = await attempt(Sample("photo.png", spelling, real.content), 201, 415)
        if answer.status == 201:
            shown = str(answer.data["mime_type"]).partition(";")[0].strip().lower()
            expect_equal(shown, "image/png", f"mime_type of a PNG declared {spelling}")
        await attempt(Sample("photo.png", spelling, HTML), 415, 422)
        observe(2, what="spelled otherwise")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    strangers = {str(item["mime_type"]).partition(";")[0].lower() for item in listed}
    expect_equal(strangers - set(ALLOWED_TYPES), set(), "types of evidence beyond the nine")


@check(
    "upload.content-mismatch",
    "A file whose bytes are not those of its declared type is refused",
    checklist="Verify file type validation by magic bytes",
    observes=PAIRS + 56 + 29,  # of no allowed type, damaged
)
async def check_content_mismatch(
    org: Organization,
    samples: Samples,
    rng: random.Random,
    observe: Observations,
    cover: Coverage,
) -> None:
    job = await org.new_job()
    real = {sample.mime_type: sample for sample in samples.one_of_each()}

    async def refused(declared: str, content: bytes, what: str, kind: str) -> None:
        named = Sample(real[declared].file_name, declared, content)
        answer = await org.client.upload(job["id"], named)
        expect_status(answer, 422, detail=f"{what}, declared {declared}")
        expect_equal(answer.code, "content_mismatch", f"the code for {what} declared {declared}")
        observe(what=kind)

    async def mistaken(declared: str, actual: str) -> None:
        await refused(declared, real[actual].content, f"a real {actual}", "of another type")
        cover("upload types", declared=declared, actual=actual)

    await together(
        (
            mistaken(declared, actual)
            for declared in ALLOWED_TYPES
            for actual in ALLOWED_TYPES
            if tell_apart(declared, actual)
        ),
        at_once=AT_ONCE,
    )

    async def strange(file: Strange, kind: str) -> None:
        for declared in file.not_of:
            await refused(declared, file.content, file.what, kind)

    never = list(of_no_allowed_type(rng))
    await together((strange(file, "of no allowed type") for file in never), at_once=AT_ONCE)
    spoilt = [file for sample in real.values() for file in damaged(sample)]
    await together((strange(file, "damaged") for file in spoilt), at_once=AT_ONCE)
    for sample in real.values():  # and all of them are accepted as what they are
        expect_status(await org.client.upload(job["id"], sample), 201, detail=sample.mime_type)
