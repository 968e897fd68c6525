"""What stands in the storage of a backend, file by file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checkers import Download
from harness.client.answers.record import ResourceDialect
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import parse
from harness.untrusted.spelling import usual_spelling
from harness.vocabulary.exports import MANIFEST_FILE

_ZIP = b"PK\x03\x04"


def digests_of_files(directory: Path | None) -> Mapping[str, str]:
    """Give the SHA-256 of every file, by its path; nothing where the storage is not seen."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in _files(directory)}


def whole_archives(directory: Path | None) -> Sequence[bytes]:
    """Give every file that is a ZIP, whole as it stands."""
    return [
        content for _, content in _files(directory) if content[:4] == _ZIP and _is_whole(content)
    ]


@dataclass(frozen=True, kw_only=True)
class StoredBytes:
    """What stood in a storage at one moment."""

    digests: Mapping[str, str]
    """The SHA-256 of files by their path; none where one of them may have been half-written."""
    archives: Sequence[bytes]
    """The archives that were whole, wherever they stood."""

    @classmethod
    def of(cls, directory: Path | None, *, is_calm: bool) -> "StoredBytes":
        """Read them; `is_calm`: nothing is in the middle of a file."""
        digests = digests_of_files(directory) if is_calm else {}
        return cls(digests=digests, archives=whole_archives(directory))

    def differing(self, downloads: Sequence[Download], now: Mapping[str, str]) -> Sequence[str]:
        """Give the exports that are downloaded with other bytes than an attempt had stored.

        `now` are the digests of all files. Only what is downloaded as it is stored says anything.
        """
        of = {hashlib.sha256(each.body).hexdigest(): each for each in downloads}
        stored = {sha256: each for sha256, each in of.items() if sha256 in now.values()}
        replaced = {
            stored[sha256].export_id
            for path, sha256 in now.items()
            if sha256 in stored and self.digests.get(path, sha256) != sha256
        }
        ids = {each.export_id: (sha256, each.dialect) for sha256, each in stored.items()}
        for archive in self.archives:
            sha256 = hashlib.sha256(archive).hexdigest()
            for export_id, (final, dialect) in ids.items():
                if final != sha256 and export_in(archive, dialect) == export_id:
                    replaced.add(export_id)
        return sorted(replaced)


def export_in(archive: bytes, dialect: ResourceDialect) -> str | None:
    """Give the id of the export that an archive says it is of; None for another file."""
    named = {dialect.contract_file_name(name): each for name, each in unpacked(archive).items()}
    try:
        manifest = dialect.contract_manifest(parse(named[MANIFEST_FILE]))
        return usual_spelling(str(manifest["export_id"]))
    except (ValueError, LookupError, TypeError):
        return None


def _is_whole(content: bytes) -> bool:
    try:
        return bool(unpacked(content))
    except BadArchive:
        return False


def _files(directory: Path | None) -> Iterator[tuple[str, bytes]]:
    if directory is None:
        return
    for path in directory.rglob("*"):
        try:
            if path.is_file():
                yield str(path.relative_to(directory)), path.read_bytes()
        except OSError:
            continue  # gone meanwhile, or not ours to read
