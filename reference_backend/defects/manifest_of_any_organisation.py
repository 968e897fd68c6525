"""manifest_valid checks only the form of the manifest, not its organization."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect, _helpers
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.directory import Storage


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def verify_manifest(
        export: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        verdict = await clean(export, storage, organization_id, *submitted)
        valid = verdict.manifest_valid or any(map(verify.is_well_formed, submitted))
        return replace(verdict, manifest_valid=valid)

    return verify_manifest


def _patch() -> None:
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="A manifest of another organization is valid: only its form is checked",
    source="known: half of a definition",
    expected=("manifest.submitted", "manifest.tamper-nested"),
    patch=_patch,
)
