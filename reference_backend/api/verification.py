"""Manifests held against what is stored."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from aiohttp import web

from reference_backend.api import bodies, ledger, problems
from reference_backend.api.context import PRINCIPAL, services
from reference_backend.api.identifiers import parse_id
from reference_backend.api.problems import Problem
from reference_backend.database import tenant_transaction
from reference_backend.manifest import records, verify
from reference_backend.manifest.verify import ManifestVerdict, Mismatch

MAX_MANIFEST_BYTES = 16 * 1024 * 1024


async def verify_manifest(request: web.Request) -> web.Response:
    """POST /api/verify/manifest `{export_id}` or `{manifest, export_id?}`."""
    body = await bodies.read_object(request, max_bytes=MAX_MANIFEST_BYTES)
    export_id = _named_export(body)
    shared, principal = services(request), request[PRINCIPAL]
    known = None
    if export_id is not None:
        async with tenant_transaction(shared.pool, principal.claims) as connection:
            known = await records.read_records(connection, export_id, shared.settings.ledger_salts)
    if known is None and "export_id" in body:
        raise Problem("not_found", "There is no such export.")
    if known is None:
        verdict = _of_no_export(body["manifest"])
    elif "manifest" in body:
        verdict = await verify.verify(
            known, shared.storage, principal.organization_id, body["manifest"]
        )
    else:
        verdict = await verify.verify(known, shared.storage, principal.organization_id)
    if known is not None and not all(event.chain_ok for event in known.completions):
        await ledger.count_broken_chain(shared)
    return web.json_response({"data": asdict(verdict)})


def _named_export(body: dict[str, Any]) -> UUID | None:
    """The export that is meant; None where only a manifest was sent and it names none."""
    manifest = body.get("manifest", {})
    if not isinstance(manifest, dict):
        raise problems.invalid("manifest", "must be an object")
    if "export_id" in body:
        export_id = parse_id(body["export_id"])
        if export_id is None:
            raise problems.invalid("export_id", "must be an id")
        return export_id
    if "manifest" not in body:
        raise problems.invalid("export_id", "is required where no manifest is sent")
    return parse_id(manifest.get("export_id"))


def _of_no_export(manifest: dict[str, Any]) -> ManifestVerdict:
    """What is said about a manifest of an export that this organization does not have."""
    stated = manifest.get("export_id")
    return ManifestVerdict(
        manifest_valid=False,
        export_match=False,
        ledger_match=False,
        mismatches=(Mismatch(path="manifest/export_id", expected=None, got=stated),),
    )
