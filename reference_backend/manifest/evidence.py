"""The evidence of an export, as its manifest lists it and its archive holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from reference_backend.manifest.document import ManifestFile


@dataclass(frozen=True, kw_only=True)
class EvidenceFile:
    """A sealed file that goes into the archive."""

    id: UUID
    mime_type: str
    file_size: int
    file_sha256: str
    storage_path: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> EvidenceFile:
        """From a row of ``queries/evidence_of_exports.sql``."""
        return cls(
            id=row["id"],
            mime_type=row["mime_type"],
            file_size=row["file_size"],
            file_sha256=row["file_sha256"],
            storage_path=row["storage_path"],
        )

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
