"""Building a manifest. It depends only on the export: the same export gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from reference_backend.ledger.event import utc_text
from reference_backend.manifest import jcs

VERSION = "1.0"
MANIFEST_NAME = "manifest.json"
LEDGER_NAME = "ledger.json"


@dataclass(frozen=True, kw_only=True)
class ManifestFile:
    """One entry of the archive, by its path there. ``evidence_id`` is None for the ledger."""

    name: str
    type: str
    size: int
    sha256: str
    evidence_id: str | None


@dataclass(frozen=True, kw_only=True)
class ExportIdentity:
    """The columns of an export in its manifest. ``filters`` is the database's JSON text."""

    id: UUID
    organization_id: UUID
    job_id: UUID
    created_at: datetime
    filters: str
    ledger_head_seq: int
    ledger_head_hash: str


def build(export: ExportIdentity, files: Iterable[ManifestFile]) -> dict[str, Any]:
    """The manifest as a JSON value; the files in the order of their names."""
    return {
        "version": VERSION,
        "export_id": str(export.id),
        "organization_id": str(export.organization_id),
        "job_id": str(export.job_id),
        "generated_at": utc_text(export.created_at),
        "filters": jcs.loads(export.filters),
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.name)],
        "ledger_head": {"ledger_seq": export.ledger_head_seq, "hash": export.ledger_head_hash},
    }


def digest(manifest: bytes) -> str:
    """The ``manifest_hash`` of a serialized manifest."""
    return hashlib.sha256(manifest).hexdigest()
