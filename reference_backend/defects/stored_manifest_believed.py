"""verifyManifest by id compares the stored manifest with itself."""

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.manifest import document, verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _patch() -> None:
    clean = verify.verify

    async def believing(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        if facts.manifest is not None and not submitted:
            own = document.digest(facts.manifest.encode())
            facts = replace(facts, manifest_hash=own)
        return await clean(facts, storage, organization_id, *submitted)

    verify._from_records = lambda facts, stored: dict(stored)  # noqa: SLF001
    verify.verify = believing  # type: ignore[assignment]


DEFECT = Defect(
    title="The stored manifest is compared with itself: a change in the database goes unnoticed",
    source="H13: Containarium #1326",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
