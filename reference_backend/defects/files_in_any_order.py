"""Submitted manifests are sorted before they are compared."""

from __future__ import annotations

from uuid import UUID

from reference_backend.defects import Defect, _helpers
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.directory import Storage


def _sorted(manifest: object) -> object:
    if not verify.is_well_formed(manifest):
        return manifest
    return {**manifest, "files": sorted(manifest["files"], key=lambda file: str(file["name"]))}


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def verify_manifest(
        export: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        return await clean(export, storage, organization_id, *map(_sorted, submitted))

    return verify_manifest


def _patch() -> None:
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="Submitted manifests are sorted before they are hashed: another order counts as equal",
    source="RFC 8785, section 3.2.3: arrays keep their order",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
