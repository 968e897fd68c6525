"""Verification reads every evidence object again, but not the ZIP that contains them."""

from collections.abc import Mapping
from typing import Any

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import Mismatch
from reference_backend.storage.directory import Storage


def _patch() -> None:
    clean = verify._damaged_objects  # noqa: SLF001

    async def damaged_evidence(
        export: ExportRecords, storage: Storage, stored: Mapping[str, Any]
    ) -> dict[str, Mismatch]:
        damaged = await clean(export, storage, stored)
        return {name: found for name, found in damaged.items() if found.path != "archive"}

    verify._damaged_objects = damaged_evidence  # noqa: SLF001


DEFECT = Defect(
    title="Verification reads the evidence but not the export's ZIP: the download may be anything",
    source="known: the files are in the list, the archive is not",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
