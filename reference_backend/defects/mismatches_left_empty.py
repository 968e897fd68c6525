"""verifyManifest says that something is wrong, but not what."""

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _patch() -> None:
    clean = verify.verify

    async def silent(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        verdict = await clean(facts, storage, organization_id, *submitted)
        files = tuple(replace(file, ok=True, reason=None) for file in verdict.files)
        return replace(verdict, files=files, mismatches=())

    verify.verify = silent  # type: ignore[assignment]


DEFECT = Defect(
    title="Tampering is detected but not located: every file is ok and no mismatch is listed",
    source="known: a verification that answers false and leaves the search to the reader",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
