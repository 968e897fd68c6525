"""What a user sees of a download that is not what it should be."""

import base64
import hashlib
import io
import zipfile

import pytest

from load.users.downloads import download_problem


def zipped(**contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            # A date of its own: ids of tests that change with the time are no ids.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


BODY = zipped(evidence=b"mine", manifest=b"{}")


@pytest.mark.parametrize("more", ["{}", "sha-512=:AAAA:, {}", "{}, md5=:AAAA:"])
@pytest.mark.parametrize("uploaded", [b"mine", None])
def test_a_right_download_has_no_fault(more: str, uploaded: bytes | None) -> None:
    assert download_problem(BODY, more.format(digest_of(BODY)), uploaded) == ""


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
    assert fault in download_problem(body, digest, b"mine")


def test_a_damaged_entry_is_a_fault() -> None:
    damaged = BODY.replace(b"mine", b"mime")
    assert "not a ZIP" in download_problem(damaged, digest_of(damaged), None)
