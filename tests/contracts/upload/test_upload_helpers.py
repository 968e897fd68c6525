import base64
import hashlib
import os
import random
from pathlib import Path

import pytest

from contracts.shared.resources.evidence import expect_content
from contracts.shared.resources.stored_objects import StoredObjects
from contracts.upload.byte_ranges import (
    ByteRange,
    expect_part,
    expect_unsatisfiable,
    satisfiable,
    unsatisfiable,
)
from contracts.upload.check_filename_traversal import (
    expect_generated,
    expect_object,
    expect_safe_headers,
)
from contracts.upload.file_names import SentName, hostile_names, ordinary_names
from contracts.upload.malformed_forms import (
    OUTER,
    not_multipart,
    truncated,
    unusual,
    whole,
    without_file,
)
from contracts.upload.memory_growth import growth_of
from contracts.upload.mismatched_files import damaged, files_of_other_types, of_no_allowed_type
from harness.client import ALLOWED_TYPES, Answer, Samples
from harness.errors import CheckFailed
from harness.instances.description import Instance
from harness.machine.processes import Process

WHOLE = bytes(range(256)) * 2
NAME = SentName(what="a name", parameters=b"", mark="mark")


def served(body: bytes, status: int = 200, **headers: str) -> Answer:
    digest = base64.b64encode(hashlib.sha256(WHOLE).digest()).decode()
    sent = {
        "repr-digest": f"sha-256=:{digest}:",
        "x-content-type-options": "nosniff",
        "content-type": "image/png",
        "content-disposition": 'attachment; filename="a.png"',
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Answer(
        operation_id="getEvidenceContent",
        method="GET",
        path="/api/evidence/1/content",
        instance=0,
        status=status,
        headers=sent,
        body=body,
        elapsed_s=0.01,
    )


def test_right_parts_are_accepted() -> None:
    for asked in satisfiable(len(WHOLE)):
        part = asked.part
        said = f"bytes {part.start}-{part.stop - 1}/{len(WHOLE)}"
        answer = served(WHOLE[part], 206, content_range=said)
        expect_part(answer, asked, WHOLE, "image/png")


TEN = ByteRange(header="bytes=0-9", part=slice(0, 10))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (served(WHOLE), "206 from"),
        (served(WHOLE[:9], 206, content_range="bytes 0-9/512"), "9 bytes"),
        (served(WHOLE[1:11], 206, content_range="bytes 0-9/512"), "10 bytes, from byte 1 "),
        (served(WHOLE[:10], 206, content_range="bytes 0-10/512"), "Content-Range"),
        (served(WHOLE[:10], 206, content_range="bytes 0-9/*"), "Content-Range"),
        (served(WHOLE[:10], 206), "Content-Range"),
        (
            served(WHOLE[:10], 206, content_range="bytes 0-9/512", repr_digest="sha-256=:AAAA:"),
            "Repr-Digest",
        ),
        (
            served(WHOLE[:10], 206, content_range="bytes 0-9/512", x_content_type_options=""),
            "nosniff",
        ),
    ],
)
def test_wrong_parts_fail(answer: Answer, reason: str) -> None:
    with pytest.raises(CheckFailed, match=reason):
        expect_part(answer, TEN, WHOLE, "image/png")


def test_the_whole_is_compared_to_the_byte() -> None:
    expect_content(served(WHOLE), WHOLE, "image/png", what="it")
    other = served(WHOLE[:100] + b"x" + WHOLE[101:])
    with pytest.raises(CheckFailed, match="at byte 100"):
        expect_content(other, WHOLE, "image/png", what="it")
    with pytest.raises(CheckFailed, match="511 bytes"):
        expect_content(served(WHOLE[:-1]), WHOLE, "image/png", what="it")
    several = "sha-512=:x:, " + served(WHOLE).headers["repr-digest"]
    expect_content(served(WHOLE, repr_digest=several), WHOLE, "image/png", what="it")


def test_a_416_may_have_the_true_size_only() -> None:
    for header in unsatisfiable(512):
        expect_unsatisfiable(served(b"", 416), header, 512)
        expect_unsatisfiable(served(b"", 416, content_range="bytes */512"), header, 512)
        with pytest.raises(CheckFailed, match="Content-Range"):
            expect_unsatisfiable(served(b"", 416, content_range="bytes */511"), header, 512)


@pytest.mark.parametrize(
    "path",
    ["evidence/mark.png", "evidence/MARK", "a/%6dark", "../up", "a/..\\b", "a\nb"],
)
def test_paths_that_are_not_generated(path: str) -> None:
    with pytest.raises(CheckFailed):
        expect_generated(path, NAME)
    expect_generated("evidence/0d4c/a..b.png", NAME)


@pytest.mark.parametrize(
    "disposition",
    [
        "inline",
        'attachment; filename="a"; injected="yes"',
        'attachment; filename="a"; filename="b"',
        'attachment; filename="a\x1b"',
    ],
)
def test_headers_that_are_not_safe(disposition: str) -> None:
    with pytest.raises(CheckFailed):
        expect_safe_headers(served(WHOLE, content_disposition=disposition), NAME)


@pytest.mark.parametrize(
    "disposition",
    [
        "attachment",
        "attachment; filename=\"a; injected='yes'.png\"; filename*=UTF-8''a%22.png",
        'attachment;filename="a\\"; injected=\\"yes"',
    ],
)
def test_headers_that_are_safe(disposition: str) -> None:
    expect_safe_headers(served(WHOLE, content_disposition=disposition), NAME)


def test_every_form_is_malformed_in_another_way() -> None:
    sample = Samples(random.Random(1)).new()
    sound = whole(sample)
    cut = [form.body for form in truncated(sample)]
    assert len(set(cut)) == len(cut) == 14
    assert all(
        sound.startswith(body.removesuffix(b"\r\n")) and len(body) < len(sound) for body in cut
    )
    assert all(not body.endswith(f"--{OUTER}--".encode()) for body in cut)
    assert len(list(not_multipart(sample))) == 8
    assert len(list(without_file(sample))) == 9
    others = [form.body for form in unusual(sample)]
    assert len(set(others)) == len(others) == 17
    assert sound not in others


def test_mismatched_files_do_not_have_the_declared_type() -> None:
    samples = Samples(random.Random(1))
    for sample in samples.one_of_each():
        for file in damaged(sample):
            assert file.not_of == (sample.mime_type,)
            assert file.content != sample.content
    strange = list(of_no_allowed_type(random.Random(1)))
    assert sum(len(file.not_of) for file in strange) == 56
    assert not {sample.mime_type for sample in files_of_other_types()} & set(ALLOWED_TYPES)


def test_every_name_has_its_mark() -> None:
    names = [*ordinary_names("m4rk"), *hostile_names("m4rk", "/tmp")]
    dots = [name for name in names if b"m4rk" not in name.parameters]
    assert [name.what for name in dots] == ["'.'", "'..'", "'/'", "' '"]
    assert all(name.shown is None or "m4rk" in name.shown for name in names)


def test_stored_objects_are_found_and_misplaced_files_as_well(tmp_path: Path) -> None:
    root = tmp_path / "storage"
    (root / "evidence").mkdir(parents=True)
    (root / "evidence" / "a.png").write_bytes(b"abc")
    (root / "evidence" / "b.png").write_bytes(b"abc")
    objects = StoredObjects(root, outside=(tmp_path,))
    assert list(objects.files()) == [root / "evidence" / "a.png", root / "evidence" / "b.png"]
    assert objects.copies(b"abc") == 2
    expect_object(objects, "evidence/a.png")
    (tmp_path / "mark.png").write_bytes(b"")
    assert objects.misplaced("mark.png") == [tmp_path / "mark.png"]
    for path in ("../mark.png", "evidence", "evidence/c.png", str(tmp_path / "mark.png")):
        with pytest.raises(CheckFailed):
            expect_object(objects, path)


def test_memory_that_grows_is_seen(tmp_path: Path) -> None:
    ours = Process.ours()
    instance = Instance(
        name="api-1",
        role="api",
        base_url="http://127.0.0.1:1",
        log_path=tmp_path / "log",
        pid=os.getpid(),
        started=ours.started,
    )
    with growth_of(instance) as growth:
        held = bytearray(64 * 1024 * 1024)
        held[::4096] = b"x" * len(held[::4096])
        del held
    assert growth.bytes is not None
    assert growth.bytes > 48 * 1024 * 1024
    unmeasured = Instance(
        name="api-1", role="api", base_url="http://127.0.0.1:1", log_path=tmp_path / "log"
    )
    with growth_of(unmeasured) as unknown:
        pass
    assert unknown.bytes is None
