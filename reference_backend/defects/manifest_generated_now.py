"""generated_at is the time when the manifest is built."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reference_backend.defects import Defect
from reference_backend.manifest import document
from reference_backend.manifest.document import ExportIdentity, ManifestFile


def _patch() -> None:
    clean = document.build

    def build(export: ExportIdentity, files: Iterable[ManifestFile]) -> dict[str, Any]:
        return clean(replace(export, created_at=datetime.now(UTC)), files)

    document.build = build


DEFECT = Defect(
    title="generated_at is the time of the attempt: every attempt has another manifest and hash",
    source="R24, T1: a clock inside what is to be a function of the export",
    expected=("manifest.files-match", "manifest.stored"),
    patch=_patch,
)
