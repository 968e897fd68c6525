"""An export without a manifest has no mismatches, so all three flags are true."""

from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _patch() -> None:
    clean = verify.verify

    async def lenient(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        if not facts.ready and not submitted:
            return ManifestVerdict(manifest_valid=True, export_match=True, ledger_match=True)
        return await clean(facts, storage, organization_id, *submitted)

    verify.verify = lenient  # type: ignore[assignment]


DEFECT = Defect(
    title="An export without a manifest verifies: no mismatch was found",
    source="H13, P15: nothing compared counts as nothing wrong",
    expected=("manifest.stored",),
    patch=_patch,
)
