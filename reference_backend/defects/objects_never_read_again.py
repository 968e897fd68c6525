"""The manifest is compared only with the database, where the digests cannot have changed."""

from collections.abc import Mapping
from typing import Any

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import Mismatch
from reference_backend.storage.directory import Storage


async def _none_damaged(
    export: ExportRecords, storage: Storage, stored: Mapping[str, Any]
) -> dict[str, Mismatch]:
    return {}


def _patch() -> None:
    verify._damaged_objects = _none_damaged  # noqa: SLF001


DEFECT = Defect(
    title="Verification never reads the stored objects: they can change or vanish unnoticed",
    source="known: digests compared with the digests in the database",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
