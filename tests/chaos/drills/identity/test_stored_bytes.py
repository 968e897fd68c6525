"""What stands in a storage, file by file."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from chaos.drills.identity.stored_bytes import StoredBytes, digests_of_files
from harness.checkers import Download


def test_every_file_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "a.zip").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"")
    assert digests_of_files(tmp_path) == {
        "packs/a.zip": hashlib.sha256(b"a").hexdigest(),
        "b": hashlib.sha256(b"").hexdigest(),
    }


def test_a_storage_that_is_not_seen() -> None:
    assert digests_of_files(None) == {}


def archive(export_id: str, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("manifest.json", json.dumps({"export_id": export_id}))
        made.comment = comment
    return buffer.getvalue()


def download(export_id: str, body: bytes) -> Download:
    return Download(
        export_id=export_id, status=200, body=body, repr_digest=None, manifest_hash=None
    )


def replaced(directory: Path, first: dict[str, bytes], second: dict[str, bytes]) -> Sequence[str]:
    """Which exports differ when these files are stored, and then these, which are downloaded."""
    for name, content in first.items():
        (directory / name).write_bytes(content)
    stored = StoredBytes.of(directory, is_calm=True)
    for name, content in second.items():
        (directory / name).write_bytes(content)
    downloads = [download("e1", content) for content in second.values()]
    return stored.differing(downloads, digests_of_files(directory))


def test_the_same_bytes_again(tmp_path: Path) -> None:
    assert replaced(tmp_path, {"a": archive("e1")}, {"a": archive("e1")}) == []
    assert replaced(tmp_path, {"a": archive("e1")}, {"b": archive("e1")}) == []


def test_other_bytes_in_the_same_place(tmp_path: Path) -> None:
    assert replaced(tmp_path, {"a": b"half"}, {"a": archive("e1")}) == ["e1"]


def test_other_bytes_elsewhere(tmp_path: Path) -> None:
    """A path with the digest or the attempt in it is another one for each attempt."""
    assert replaced(tmp_path, {"a": archive("e1")}, {"b": archive("e1", b"again")}) == ["e1"]


def test_the_archive_of_another_export(tmp_path: Path) -> None:
    assert replaced(tmp_path, {"a": archive("e2")}, {"b": archive("e1")}) == []


def test_half_an_archive_elsewhere_says_nothing(tmp_path: Path) -> None:
    assert replaced(tmp_path, {"a": archive("e1")[:-9]}, {"b": archive("e1", b"again")}) == []
