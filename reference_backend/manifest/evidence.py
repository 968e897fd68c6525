"""The evidence of an export, as its manifest lists it and its archive holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from reference_backend.manifest.document import ExportIdentity, ManifestFile


@dataclass(frozen=True, kw_only=True)
class EvidenceFile:
    """A sealed file that goes into the archive."""

    id: UUID
    mime_type: str
    file_size: int
    file_sha256: str
    storage_path: str

    @property
    def archive_name(self) -> str:
        """Its path in the archive: generated, never the client's file name."""
        return f"evidence/{self.id}{PurePosixPath(self.storage_path).suffix}"

    def manifest_file(self) -> ManifestFile:
        """Its entry in the manifest."""
        return ManifestFile(
            name=self.archive_name,
            type=self.mime_type,
            size=self.file_size,
            sha256=self.file_sha256,
            evidence_id=str(self.id),
        )


def evidence_parameters(exports: Sequence[ExportIdentity]) -> dict[str, Any]:
    """The parameters of ``queries/evidence_of_exports.sql`` for these exports."""
    columns = {
        "export_ids": "id",
        "organization_ids": "organization_id",
        "job_ids": "job_id",
        "up_to": "ledger_head_seq",
    }
    return {name: [getattr(each, field) for each in exports] for name, field in columns.items()}
