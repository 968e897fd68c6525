"""What stands in the storage of a backend, file by file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def digests_of_files(directory: Path | None) -> Mapping[str, str]:
    """Give the SHA-256 of every file, by its path; nothing where the storage is not seen."""
    if directory is None:
        return {}
    found: dict[str, str] = {}
    for path in directory.rglob("*"):
        try:
            if path.is_file():
                found[str(path.relative_to(directory))] = hashlib.sha256(
                    path.read_bytes()
                ).hexdigest()
        except OSError:
            continue  # gone meanwhile, or not ours to read
    return found
