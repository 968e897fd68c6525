"""The ZIP of an export: fixed order, fixed times, no compression.

The same export gives the same bytes in every attempt of every worker.
Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from typing import IO

from reference_backend.manifest import document, jcs
from reference_backend.manifest.document import ExportIdentity, ManifestFile
from reference_backend.manifest.evidence import EvidenceFile

CHUNK_BYTES = 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time in a ZIP


class EvidenceCorruptError(Exception):
    """A stored file differs from what was sealed; no attempt can make the export."""


def write(
    target: IO[bytes],
    export: ExportIdentity,
    evidence: Iterable[EvidenceFile],
    ledger_lines: Iterable[str],
    open_object: Callable[[str], IO[bytes]],
    on_progress: Callable[[int], None],
) -> bytes:
    """Write the archive to ``target`` and return the manifest's bytes.

    ``ledger_lines`` are the events, each as JSON; they become one array with one event per line.
    Every file is compared with its sealed digest. ``on_progress`` gets the percentage.
    Raises EvidenceCorruptError, and what ``open_object`` raises.
    """
    ledger_json = ("[\n" + ",\n".join(ledger_lines) + "\n]\n").encode()
    ordered = sorted(evidence, key=lambda file: file.archive_name)
    files = [file.manifest_file() for file in ordered]
    files.append(
        ManifestFile(
            name=document.LEDGER_NAME,
            type="application/json",
            size=len(ledger_json),
            sha256=hashlib.sha256(ledger_json).hexdigest(),
            evidence_id=None,
        )
    )
    manifest = jcs.dumps(document.build(export, files))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, file in enumerate(ordered, start=1):
            with open_object(file.storage_path) as source:
                _copy(archive, file, source)
            on_progress(100 * number // (len(ordered) + 1))
        archive.writestr(_entry(document.LEDGER_NAME), ledger_json)
        archive.writestr(_entry(document.MANIFEST_NAME), manifest)
    return manifest


def _copy(archive: zipfile.ZipFile, file: EvidenceFile, source: IO[bytes]) -> None:
    digest = hashlib.sha256()
    entry = _entry(file.archive_name)
    entry.file_size = file.file_size  # zipfile chooses the 64-bit format by it
    with archive.open(entry, "w") as target:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != file.file_sha256:
        raise EvidenceCorruptError(
            f"evidence {file.id}: sealed with SHA-256 {file.file_sha256}, "
            f"stored with {digest.hexdigest()}"
        )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.create_system = 3  # Unix, on every platform
    entry.external_attr = 0o644 << 16
    return entry
