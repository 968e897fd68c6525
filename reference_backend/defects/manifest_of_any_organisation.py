"""manifest_valid checks only the form of the manifest, not its organization."""

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _patch() -> None:
    clean = verify.verify

    async def of_anybody(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        verdict = await clean(facts, storage, organization_id, *submitted)
        valid = verdict.manifest_valid or any(map(verify.is_well_formed, submitted))
        return replace(verdict, manifest_valid=valid)

    verify.verify = of_anybody  # type: ignore[assignment]


DEFECT = Defect(
    title="A manifest of another organization is valid: only its form is checked",
    source="known: half of a definition",
    expected=("manifest.submitted", "manifest.tamper-nested"),
    patch=_patch,
)
