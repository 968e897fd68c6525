"""Comparing a manifest with its export, the stored objects and the ledger.

A change at any depth is reported with its path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard
from uuid import UUID

from reference_backend.manifest import document, jcs
from reference_backend.manifest.document import ManifestFile
from reference_backend.manifest.records import ExportRecords
from reference_backend.storage.directory import Storage
from reference_backend.storage.objects import ObjectMissing

REPORTED = 100
_ABSENT = object()
_FIELDS: Mapping[str, type] = {
    "version": str, "export_id": str, "organization_id": str, "job_id": str, "generated_at": str,
    "filters": dict, "files": list, "ledger_head": dict,
}  # fmt: skip
_FILE_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "name": str, "type": str, "size": int, "sha256": str, "evidence_id": (str, type(None)),
}  # fmt: skip
_HEAD_FIELDS: Mapping[str, type] = {"ledger_seq": int, "hash": str}


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One difference. ``path`` is ``manifest`` and a JSON pointer, or the name of what differs."""

    path: str
    expected: Any
    got: Any


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """One file of the manifest; ``reason`` says why it is not ``ok``."""

    name: str
    ok: bool
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class ManifestVerdict:
    """The answer of verifyManifest; contracts/openapi.yaml says what the three flags mean."""

    manifest_valid: bool = False
    export_match: bool = False
    ledger_match: bool = False
    files: tuple[FileVerdict, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()


async def verify(
    export: ExportRecords, storage: Storage, organization_id: UUID, submitted: object = _ABSENT
) -> ManifestVerdict:
    """Check ``submitted``, or without it the stored manifest. Raises StorageUnavailable."""
    if export.state != "ready" or export.manifest is None:
        return ManifestVerdict()
    stored = _parse(export.manifest)
    checked = stored if submitted is _ABSENT else submitted
    checked_hash = _hash(checked)
    if not is_well_formed(stored):
        spoiled = Mismatch(path="manifest", expected="a stored manifest", got="other content")
        return ManifestVerdict(mismatches=(spoiled,))

    mismatches = [
        *differences("manifest", stored, checked),
        *differences("records", stored, _from_records(export, stored)),
    ]
    if checked_hash != export.manifest_hash:
        mismatches.append(
            Mismatch(path="manifest_hash", expected=export.manifest_hash, got=checked_hash)
        )
    damaged = await _damaged_objects(export, storage, stored)
    mismatches += damaged.values()
    export_match = not mismatches

    ledger_mismatches = list(_ledger_mismatches(export, checked_hash))
    return ManifestVerdict(
        manifest_valid=is_well_formed(checked)
        and checked["organization_id"] == str(organization_id),
        export_match=export_match,
        ledger_match=not ledger_mismatches,
        files=tuple(_file_verdicts(stored, checked, damaged)),
        mismatches=tuple((mismatches + ledger_mismatches)[:REPORTED]),
    )


def is_well_formed(manifest: object) -> TypeGuard[dict[str, Any]]:
    """Whether it has the fields of a manifest, no others, with the right types."""
    return (
        _has_fields(manifest, _FIELDS)
        and manifest["version"] == document.VERSION
        and all(_has_fields(file, _FILE_FIELDS) for file in manifest["files"])
        and _has_fields(manifest["ledger_head"], _HEAD_FIELDS)
        and _hash(manifest) is not None
    )


def differences(path: str, expected: object, got: object) -> Iterator[Mismatch]:
    """Every leaf where two JSON values differ, at any depth."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}):
            yield from differences(
                f"{path}/{key.replace('~', '~0').replace('/', '~1')}",
                expected.get(key, _ABSENT),
                got.get(key, _ABSENT),
            )
    elif isinstance(expected, list) and isinstance(got, list):
        for index in range(max(len(expected), len(got))):
            yield from differences(
                f"{path}/{index}",
                expected[index] if index < len(expected) else _ABSENT,
                got[index] if index < len(got) else _ABSENT,
            )
    elif _hash([expected]) != _hash([got]):  # 1 and 1.0 are one number in JSON, 1 and true are not
        yield Mismatch(
            path=path,
            expected=None if expected is _ABSENT else expected,
            got=None if got is _ABSENT else got,
        )


def _parse(manifest: str) -> object:
    try:
        return jcs.loads(manifest)
    except ValueError:
        return None


def _from_records(export: ExportRecords, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest that the current records give; the ledger file has no record."""
    files = [file.manifest_file() for file in export.evidence]
    files += [ManifestFile(**file) for file in stored["files"] if file["evidence_id"] is None]
    return document.build(export, files)


async def _damaged_objects(
    export: ExportRecords, storage: Storage, stored: Mapping[str, Any]
) -> dict[str, Mismatch]:
    """The stored objects that have changed, by the name of their file in the manifest."""
    entries = {entry["name"]: entry for entry in stored["files"]}
    paths = {file.archive_name: file.storage_path for file in export.evidence}
    objects = [
        (name, f"object of {name}", path, entries[name]["sha256"])
        for name, path in paths.items()
        if name in entries
    ]
    objects.append(
        (document.LEDGER_NAME, "archive", export.storage_path or "", export.object_sha256)
    )
    found = await asyncio.gather(*(_digest(storage, path) for _, _, path, _ in objects))
    return {
        name: Mismatch(path=label, expected=expected, got=got)
        for (name, label, _, expected), got in zip(objects, found, strict=True)
        if got != expected
    }


async def _digest(storage: Storage, path: str) -> str | None:
    try:
        return await storage.sha256(path)
    except ObjectMissing:
        return None


def _ledger_mismatches(export: ExportRecords, manifest_hash: str | None) -> Iterator[Mismatch]:
    if export.head_hash != export.ledger_head_hash:
        yield Mismatch(path="ledger/head", expected=export.ledger_head_hash, got=export.head_hash)
    if len(export.completions) != 1:
        yield Mismatch(path="ledger/completed", expected=1, got=len(export.completions))
    for completion in export.completions:
        if completion.manifest_hash != manifest_hash:
            yield Mismatch(
                path="ledger/manifest_hash", expected=completion.manifest_hash, got=manifest_hash
            )
        if not completion.chain_ok:
            yield Mismatch(path="ledger/chain", expected="unbroken", got="broken")


def _file_verdicts(
    stored: Mapping[str, Any], checked: object, damaged: Mapping[str, Mismatch]
) -> Iterator[FileVerdict]:
    expected = {entry["name"]: entry for entry in stored["files"]}
    listed = checked.get("files") if isinstance(checked, dict) else None
    entries: Sequence[Any] = listed if isinstance(listed, list) else []
    named = [entry for entry in entries if isinstance(entry, dict) and "name" in entry]
    for entry in named:
        name = str(entry["name"])
        if name not in expected:
            reason: str | None = "not_in_export"
        elif any(differences("", expected[name], entry)):
            reason = "entry_differs"
        elif name in damaged:
            reason = "object_missing" if damaged[name].got is None else "object_differs"
        else:
            reason = None
        yield FileVerdict(name=name, ok=reason is None, reason=reason)
    for name in sorted(expected.keys() - {str(entry["name"]) for entry in named}):
        yield FileVerdict(name=name, ok=False, reason="missing_from_manifest")


def _has_fields(
    value: object, fields: Mapping[str, type | tuple[type, ...]]
) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and value.keys() == fields.keys()
        and all(isinstance(value[name], kind) for name, kind in fields.items())
        and not any(isinstance(value[name], bool) for name in fields)
    )


def _hash(value: object) -> str | None:
    """The JCS hash of a value; None if it has no canonical form."""
    try:
        return document.digest(jcs.dumps(value))
    except jcs.NotCanonicalError:
        return None
