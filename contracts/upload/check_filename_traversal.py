"""A file name is shown, and never becomes a path or a header."""

import re
from urllib.parse import unquote

from contracts.shared.exports.archive import unpack
from contracts.shared.resources.evidence import (
    download_content,
    expect_content,
    expect_evidence_ids,
    expect_field,
)
from contracts.shared.resources.stored_objects import StoredObjects
from contracts.upload.file_names import MARK, SentName, hostile_names, ordinary_names
from contracts.upload.raw_upload import RawUpload
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Sample, Samples, together
from harness.client.multipart import closing
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Target

GENERATED = "upload.generated-paths"
"""The rule that no object is stored under a client's name."""

AT_ONCE = 4
NAMES = 8 + 28 + 18 + 5
TWINS, TWIN = 6, 300_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


@check(
    "upload.filename-traversal",
    "File names never become paths or headers",
    checklist="Verify path traversal in file names is harmless",
    observes=NAMES + 2 + TWINS,
)
async def check_filename_traversal(
    target: Target,
    system: System,
    org: Organization,
    samples: Samples,
    observe: Observations,
    cells: Cells,
) -> None:
    """Upload files with ordinary and hostile names, and several with one name at the same time.

    Storage paths must be generated: no object may be overwritten, and no file appear elsewhere.
    Downloads must have the right bytes and safe headers, and a proof pack safe entries.
    """
    job = await org.new_job()
    objects = StoredObjects.of(system, target)
    mark = f"{MARK}{org.id[:8]}"
    names = [*ordinary_names(mark), *hostile_names(mark, str(system.run_dir))]

    first = samples.new()
    victim = await org.client.new_evidence(job["id"], first)
    path = str(victim["storage_path"])
    names.append(
        SentName(what="another object's path", parameters=_named(path), mark="no such mark")
    )
    kept: list[tuple[SentName, Sample, Record]] = []

    def keep(name: SentName, sample: Sample, answer: Answer) -> None:
        if answer.status == 201:
            kept.append((name, sample, answer.data))

    async def send(name: SentName) -> None:
        sample = samples.new()
        async with cells.of(operation="uploadEvidence", case=name.case):
            answer = await _upload(org.client, job["id"], name, sample)
            keep(name, sample, answer)
            detail = f"a file named {name.what}"
            if name.shown is not None:
                expect_status(answer, 201, detail=detail)
                expect_field(answer.data, "file_name", name.shown)
            else:
                expect_status(answer, 201, 400, 413, 415, 422, 431, detail=detail)
            observe(what="names")

    await together(map(send, names), at_once=AT_ONCE)
    twins = [Sample("photo.png", "image/png", samples.of_size(TWIN).content) for _ in range(TWINS)]
    same = SentName(what="photo.png, like others at the same time", parameters=b"", mark=mark)

    async def send_twin(twin: Sample) -> None:
        async with cells.of(operation="uploadEvidence", case=same.case):
            answer = await org.client.upload(job["id"], twin)
            keep(same, twin, answer)
            expect_status(answer, 201, detail=f"{TWINS} files with one name at once")
            observe(what="one name at once")

    await together(map(send_twin, twins))
    listed: dict[str, Record] = {}
    async with cells.of(operation="listEvidence", what="after all uploads"):
        ids = [victim["id"], *(evidence["id"] for _, _, evidence in kept)]
        items = await expect_evidence_ids(
            org.client, job["id"], ids, "after all uploads", rule="lists.whole"
        )
        listed |= {item["id"]: item for item in items}

    async def expect_stored(name: SentName, sample: Sample, evidence: Record) -> None:
        async with cells.of(operation="uploadEvidence", field="storage_path", case=name.case):
            expect_generated(str(evidence["storage_path"]), name)
            if objects is not None:
                expect_object(objects, evidence["storage_path"])
        if evidence["id"] in listed:
            async with cells.of(operation="listEvidence", field="file_name", case=name.case):
                got, what = listed[evidence["id"]]["file_name"], "file_name in the list"
                expect_equal(got, evidence["file_name"], what, rule="answer.consistent")
        async with cells.of(operation="getEvidenceContent", case=name.case):
            content = await download_content(org.client, evidence["id"])
            expect_safe_headers(content, name)
            what = f"a file named {name.what}"
            expect_content(content, sample.content, sample.mime_type, what=what)

    # Only after all uploads, which might have overwritten earlier ones.
    await together((expect_stored(*each) for each in kept), at_once=AT_ONCE)
    async with cells.of(operation="getEvidenceContent", case="another object's path"):
        untouched = await download_content(org.client, victim["id"])
        what = "a file whose storage_path is another file's name"
        expect_content(untouched, first.content, first.mime_type, what=what)
    if objects is not None:
        async with cells.of(what="the storage, and the folders above it"):
            misplaced, what = objects.misplaced(mark), "files under names of a client"
            expect_equal(misplaced, [], what, rule=GENERATED)
    async with cells.of(operation="downloadExport", what="a proof pack of all these files"):
        export = await org.client.new_export(job["id"])
        await org.client.wait_for_export(export["id"])
        unpack(await org.client.download(export["id"]))  # fails when an entry leaves the folder
        observe(what="proof pack unpacked")


async def _upload(client: Client, job_id: str, name: SentName, sample: Sample) -> Answer:
    upload = RawUpload(client=client, job_id=job_id)
    head = (
        f'--{upload.boundary}\r\nContent-Disposition: form-data; name="file"'.encode()
        + name.parameters
        + f"\r\nContent-Type: {sample.mime_type}\r\n\r\n".encode()
    )
    return await upload.whole(head + sample.content + b"\r\n" + closing(upload.boundary))


def _named(name: str) -> bytes:
    return f'; filename="{name}"'.encode()


def expect_generated(path: str, name: SentName) -> None:
    """Fail when a storage path contains part of the client's name, or leads elsewhere."""
    plain = unquote(path)
    expect(
        name.mark not in plain.lower()
        and ".." not in re.split(r"[/\\]", plain)
        and not _CONTROL.search(plain),
        expected="a generated storage_path, whatever the file is named",
        got=repr(path),
        rule=GENERATED,
        detail=f"a file named {name.what}",
    )


def expect_object(objects: StoredObjects, storage_path: object) -> None:
    """Fail unless a storage path leads to an object inside the storage."""
    try:
        objects.path(storage_path)
    except Inconclusive as error:
        raise CheckFailed(
            expected="storage_path of an object inside the storage",
            got=repr(storage_path),
            rule=GENERATED,
        ) from error


def expect_safe_headers(answer: Answer, name: SentName) -> None:
    """Fail unless content is an attachment, and its name made no other parameter or header."""
    disposition = answer.headers.get("content-disposition", "")
    parameters = [found[1].lower() for found in _PARAMETER.finditer(disposition)]
    expect(
        disposition.lower().startswith("attachment")
        and not _CONTROL.search(disposition)
        and "injected" not in parameters
        and len(parameters) == len(set(parameters)),
        expected="an attachment with each parameter once, whatever the file is named",
        got=f"Content-Disposition: {disposition!r}",
        detail=f"a file named {name.what}",
    )
    expect(
        "x-injected" not in answer.headers,
        expected="no header from a file name",
        got=f"X-Injected: {answer.headers.get('x-injected')!r}",
        detail=f"a file named {name.what}",
    )
