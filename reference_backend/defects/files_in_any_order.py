"""Submitted manifests are sorted before they are compared."""

from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _sorted(manifest: object) -> object:
    if not verify.is_well_formed(manifest):
        return manifest
    return {**manifest, "files": sorted(manifest["files"], key=lambda file: str(file["name"]))}


def _patch() -> None:
    clean = verify.verify

    async def unordered(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        return await clean(facts, storage, organization_id, *map(_sorted, submitted))

    verify.verify = unordered  # type: ignore[assignment]


DEFECT = Defect(
    title="Submitted manifests are sorted before they are hashed: another order counts as equal",
    source="RFC 8785, section 3.2.3: arrays keep their order",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
