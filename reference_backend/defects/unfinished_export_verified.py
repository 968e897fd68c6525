"""An export without a manifest has no mismatches, so all three flags are true."""

from __future__ import annotations

from uuid import UUID

from reference_backend.defects import Defect, _helpers
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.directory import Storage


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def verify_manifest(
        export: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        if export.state != "ready" and not submitted:
            return ManifestVerdict(manifest_valid=True, export_match=True, ledger_match=True)
        return await clean(export, storage, organization_id, *submitted)

    return verify_manifest


def _patch() -> None:
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="An export without a manifest verifies: no mismatch was found",
    source="H13, P15: nothing compared counts as nothing wrong",
    expected=("manifest.stored",),
    patch=_patch,
)
