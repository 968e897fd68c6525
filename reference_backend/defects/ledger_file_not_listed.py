"""The manifest lists only evidence; the ledger in the same ZIP is not listed."""

from collections.abc import Iterable
from typing import Any

from reference_backend.defects import Defect
from reference_backend.manifest import document
from reference_backend.manifest.document import ExportIdentity, ManifestFile


def _patch() -> None:
    clean = document.build

    def build(export: ExportIdentity, files: Iterable[ManifestFile]) -> dict[str, Any]:
        return clean(export, [file for file in files if file.evidence_id is not None])

    document.build = build


DEFECT = Defect(
    title="ledger.json is in the ZIP but not in the manifest: it can be exchanged unnoticed",
    source="known: files listed from the evidence table instead of from the archive",
    expected=("manifest.files-match", "golden.manifest"),
    patch=_patch,
)
