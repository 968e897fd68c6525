"""The name that a client gives its file is shown, and never becomes a path or a header."""

import re
from urllib.parse import unquote

from contracts.shared.exports.archive import unpack
from contracts.upload.hostile_names import MARK, SentName, harmless, hostile
from contracts.upload.raw_upload import RawUpload
from contracts.upload.storage_folder import StorageFolder
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Sample, Samples, together
from harness.client.multipart import closing
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Target

AT_ONCE = 4
NAMES = 8 + 28 + 18 + 5
TWINS, TWIN = 6, 300_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


@check(
    "upload.filename-traversal",
    "A file's name, however hostile, is shown only: no path, no header, no file is made of it",
    checklist="Verify path traversal in file names is harmless",
    observes=NAMES + 2 + TWINS,
)
async def check_filename_traversal(
    target: Target, system: System, org: Organization, samples: Samples, observe: Observations
) -> None:
    job = await org.new_job()
    storage = StorageFolder.of(target, system)
    mark = f"{MARK}{org.id[:8]}"
    names = [*harmless(mark), *hostile(mark, str(system.run_dir))]

    first = samples.new()
    victim = await org.client.new_evidence(job["id"], first)
    path = str(victim["storage_path"])
    names.append(
        SentName(what="another object's path", parameters=_named(path), mark="no such mark")
    )
    kept: list[tuple[SentName, Sample, Record]] = []

    async def send(name: SentName) -> None:
        sample = samples.new()
        answer = await _upload(org.client, job["id"], name, sample)
        if name.shown is not None:
            expect_status(answer, 201, detail=f"a file called {name.what}")
            expect_equal(answer.data["file_name"], name.shown, "file_name of new evidence")
        else:
            expect_status(answer, 201, 400, 413, 415, 422, 431, detail=f"file name: {name.what}")
        if answer.status == 201:
            kept.append((name, sample, answer.data))
        observe(what="names")

    await together(map(send, names), at_once=AT_ONCE)
    twins = [Sample("photo.png", "image/png", samples.of_size(TWIN).content) for _ in range(TWINS)]
    answers = await together(org.client.upload(job["id"], twin) for twin in twins)
    same = SentName(what="photo.png, as others at the same time", parameters=b"", mark=mark)
    for twin, answer in zip(twins, answers, strict=True):
        expect_status(answer, 201, detail=f"{TWINS} files of one name at once")
        kept.append((same, twin, answer.data))
        observe(what="of one name at once")

    async def look(name: SentName, sample: Sample, evidence: Record) -> None:
        expect_generated(str(evidence["storage_path"]), name)
        if storage is not None:
            storage.expect_object(str(evidence["storage_path"]))
        expect_equal(
            listed[evidence["id"]]["file_name"], evidence["file_name"], "file_name in the list"
        )
        content = await org.client.call("getEvidenceContent", path={"evidence_id": evidence["id"]})
        expect_status(content, 200, detail=f"the content of evidence called {name.what}")
        expect(
            content.body == sample.content,
            expected=f"the {sample.size} bytes that were uploaded as {name.what}",
            got=f"{len(content.body)} bytes that are others",
        )
        expect_safe_headers(content, name)
        kind = content.headers.get("content-type", "").partition(";")[0].strip().lower()
        expect_equal(kind, sample.mime_type, f"Content-Type of content called {name.what}")

    items = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    listed = {item["id"]: item for item in items}
    expect_equal(
        set(listed),
        {victim["id"]} | {evidence["id"] for _, _, evidence in kept},
        "the evidence after files with strange names",
    )
    # Only now, so that none has been written over by one that came later.
    await together((look(*each) for each in kept), at_once=AT_ONCE)
    untouched = await org.client.call("getEvidenceContent", path={"evidence_id": victim["id"]})
    expect(
        untouched.body == first.content,
        expected="evidence whose path was another file's name to be what it was",
        got=untouched.describe(),
    )
    if storage is not None:
        expect_equal(await storage.astray([mark]), [], "files that were called as a client said")

    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    unpack(await org.client.download(export["id"]))  # no entry of it leaves its folder
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
    """Fail where a storage path has anything of the client's name in it, or leads elsewhere."""
    plain = unquote(path)
    expect(
        name.mark not in plain.lower()
        and ".." not in re.split(r"[/\\]", plain)
        and not _CONTROL.search(plain),
        expected=f"a generated storage_path for a file called {name.what}",
        got=repr(path),
    )


def expect_safe_headers(answer: Answer, name: SentName) -> None:
    """Fail unless content comes as an attachment, and its name made no header of its own."""
    disposition = answer.headers.get("content-disposition", "")
    parameters = [found[1].lower() for found in _PARAMETER.finditer(disposition)]
    expect(
        disposition.lower().startswith("attachment")
        and not _CONTROL.search(disposition)
        and "injected" not in parameters
        and len(parameters) == len(set(parameters)),
        expected=f"content called {name.what} as an attachment, each parameter once",
        got=f"Content-Disposition: {disposition!r}",
    )
    expect(
        "x-injected" not in answer.headers,
        expected=f"no header that is made of the name {name.what}",
        got=f"X-Injected: {answer.headers.get('x-injected')!r}",
    )
    expect_equal(
        answer.headers.get("x-content-type-options", "").lower(),
        "nosniff",
        f"X-Content-Type-Options of content called {name.what}",
    )
