"""Verifying manifests."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from aiohttp import web

from reference_backend.api import bodies, ledger, problems
from reference_backend.api.context import PRINCIPAL, services, transaction
from reference_backend.api.identifiers import parse_id
from reference_backend.api.resources import absent
from reference_backend.manifest import records, verify
from reference_backend.manifest.verify import ManifestVerdict, Mismatch

MAX_MANIFEST_BYTES = 16 * 1024 * 1024


async def verify_manifest(request: web.Request) -> web.Response:
    """POST /api/verify/manifest `{export_id}` or `{manifest, export_id?}`."""
    body = await bodies.read_object(request, max_bytes=MAX_MANIFEST_BYTES)
    export_id = _named_export(body)
    shared, organization_id = services(request), request[PRINCIPAL].organization_id
    export = None
    if export_id is not None:
        async with transaction(request) as connection:
            export = await records.read_records(connection, export_id, shared.settings.ledger_salts)
    if export is None and "export_id" in body:
        raise absent("export")
    if export is None:
        return web.json_response({"data": asdict(_of_unknown_export(body["manifest"]))})
    submitted = [body["manifest"]] if "manifest" in body else []
    verdict = await verify.verify(export, shared.storage, organization_id, *submitted)
    if not all(event.chain_ok for event in export.completions):
        await ledger.count_broken_chain(shared)
    return web.json_response({"data": asdict(verdict)})


def _named_export(body: dict[str, Any]) -> UUID | None:
    """The requested export; None if only a manifest was sent and it names none."""
    manifest = body.get("manifest", {})
    if not isinstance(manifest, dict):
        raise problems.invalid("manifest", "must be an object")
    if "export_id" in body:
        export_id = parse_id(body["export_id"])
        if export_id is None:
            raise problems.invalid("export_id", "must be an id")
        return export_id
    if "manifest" not in body:
        raise problems.invalid("export_id", "is required without a manifest")
    return parse_id(manifest.get("export_id"))


def _of_unknown_export(manifest: dict[str, Any]) -> ManifestVerdict:
    """The verdict on a manifest of an export that this organization does not have."""
    stated = manifest.get("export_id")
    unknown = Mismatch(path="manifest/export_id", expected=None, got=stated)
    return ManifestVerdict(mismatches=(unknown,))
