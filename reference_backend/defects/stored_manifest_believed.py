"""verifyManifest by id compares the stored manifest with itself."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect, _helpers
from reference_backend.manifest import document, verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.directory import Storage


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def verify_manifest(
        export: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        if export.manifest is not None and not submitted:
            own = document.digest(export.manifest.encode())
            export = replace(export, manifest_hash=own)
        return await clean(export, storage, organization_id, *submitted)

    return verify_manifest


def _patch() -> None:
    verify._from_records = lambda export, stored: dict(stored)  # noqa: SLF001
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="The stored manifest is compared with itself: a change in the database goes unnoticed",
    source="H13: Containarium #1326",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
