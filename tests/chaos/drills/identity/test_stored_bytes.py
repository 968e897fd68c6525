"""What stands in a storage, file by file."""

import hashlib
from pathlib import Path

from chaos.drills.identity.stored_bytes import digests_of_files


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
