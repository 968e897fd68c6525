"""Verifying an export without a manifest is refused."""

from uuid import UUID

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect
from reference_backend.manifest import verify as judge
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.storage.interface import Storage


def _patch() -> None:
    clean = judge.verify

    async def verify(
        facts: ExportRecords, storage: Storage, organization_id: UUID, *submitted: object
    ) -> ManifestVerdict:
        if not facts.ready:
            raise Problem("export_not_ready", "There is no manifest yet.")
        return await clean(facts, storage, organization_id, *submitted)

    judge.verify = verify  # type: ignore[assignment]


DEFECT = Defect(
    title="Verifying an export that is not ready answers 409 instead of three times false",
    source="known: the check of the download, copied",
    expected=("golden.manifest", "golden.export-download"),
    patch=_patch,
)
