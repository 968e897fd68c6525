"""What a user sees of a download that is not what it should be."""

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest

from harness.client.answers.answer import Answer
from load.users.downloads import download_problem, rule_of
from tests.answers import answer


def zipped(**contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            # A date of its own: ids of tests that change with the time are no ids.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def downloaded(body: bytes, digest: str | None) -> Answer:
    return answer(200, body) if digest is None else answer(200, body, repr_digest=digest)


BODY = zipped(evidence=b"mine", manifest=b"{}")


@pytest.mark.parametrize("more", ["{}", "sha-512=:AAAA:, {}", "{}, md5=:AAAA:"])
@pytest.mark.parametrize("uploaded", [b"mine", None])
def test_a_right_download_has_no_fault(more: str, uploaded: bytes | None) -> None:
    assert download_problem(downloaded(BODY, more.format(digest_of(BODY))), uploaded) == ""


@pytest.mark.parametrize(
    ("body", "digest", "fault"),
    [
        (BODY, None, "no sha-256"),
        (BODY, "", "no sha-256"),
        (BODY, "sha-512=:AAAA:", "no sha-256"),
        (BODY, "sha-256=:no base64:", "no sha-256"),
        (BODY, digest_of(b"other"), "Repr-Digest says"),
        (b"", digest_of(b""), "not a ZIP"),
        (BODY[:-20], digest_of(BODY[:-20]), "not a ZIP"),
        (zipped(evidence=b"yours"), digest_of(zipped(evidence=b"yours")), "is not in the ZIP"),
    ],
)
def test_each_fault_is_named(body: bytes, digest: str | None, fault: str) -> None:
    assert fault in download_problem(downloaded(body, digest), b"mine")


def test_a_damaged_entry_is_a_fault() -> None:
    damaged = BODY.replace(b"mine", b"mime")
    assert "not a ZIP" in download_problem(downloaded(damaged, digest_of(damaged)), None)


def from_address(body: bytes) -> Answer:
    return replace(answer(200, body), redirected_by=answer(302))


def test_at_an_address_without_digest_the_manifest_says_what_each_file_is() -> None:
    listed = {"name": "evidence", "size": 4, "sha256": hashlib.sha256(b"mine").hexdigest()}
    manifest = json.dumps({"files": [listed]}).encode()
    right = zipped(**{"evidence": b"mine", "manifest.json": manifest})
    assert download_problem(from_address(right), b"mine") == ""
    wrong = zipped(**{"evidence": b"mime", "manifest.json": manifest})
    problem = download_problem(from_address(wrong), None)
    assert "its manifest: 'evidence' should be 4 bytes" in problem
    assert rule_of(problem) == "manifest.files-match"
    assert "its manifest" in download_problem(from_address(zipped(evidence=b"mine")), b"mine")
    with_digest = answer(200, wrong, repr_digest=digest_of(right))
    assert "Repr-Digest says" in download_problem(
        replace(with_digest, redirected_by=answer(302)), None
    )
