"""Verification compares sizes because reading the objects was slow."""

from reference_backend.defects import Defect
from reference_backend.manifest import verify
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import Mismatch
from reference_backend.storage.directory import Storage
from reference_backend.storage.objects import ObjectMissing


async def _damaged_by_size(
    export: ExportRecords, storage: Storage, stored: object
) -> dict[str, Mismatch]:
    damaged = {}
    for file in export.evidence:
        size = await _size(storage, file.storage_path)
        if size != file.file_size:
            label = f"object of {file.archive_name}"
            damaged[file.archive_name] = Mismatch(path=label, expected=file.file_size, got=size)
    if await _size(storage, export.storage_path or "") is None:
        damaged["ledger.json"] = Mismatch(path="archive", expected="an object", got=None)
    return damaged


async def _size(storage: Storage, path: str) -> int | None:
    try:
        with storage.open(path) as stored:
            return len(stored.read())
    except ObjectMissing:
        return None


def _patch() -> None:
    verify._damaged_objects = _damaged_by_size  # noqa: SLF001


DEFECT = Defect(
    title="Stored objects are verified by size: one changed bit goes unnoticed",
    source="known: a fast check in place of the right one",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
