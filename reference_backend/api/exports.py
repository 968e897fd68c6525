"""Exports: requested, shown, canceled, retried, and downloaded once they are ready."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from psycopg.types.json import Jsonb

from reference_backend.api import bodies, downloads, idempotency, problems
from reference_backend.api.context import transaction
from reference_backend.api.downloads import Download
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.api.presentation import Row, show_export
from reference_backend.api.problems import Problem
from reference_backend.api.resources import (
    absent,
    find,
    find_requested,
    list_of_job,
    requested_id,
)
from reference_backend.database import Connection, fetch_one

EXPORT_TYPES = frozenset({"proof-pack", "ledger"})
LIVE = frozenset({"queued", "preparing"})
MAX_FILTER_DEPTH = 32
POLL_AFTER_S = 1


async def request_export(request: web.Request) -> web.Response:
    """POST /api/jobs/{job_id}/export/{export_type}."""
    key = idempotency.optional_key(request, "requestExport")
    export_type = request.match_info["export_type"]
    if export_type not in EXPORT_TYPES:
        raise problems.invalid("export_type", "must be proof-pack or ledger")
    body = await bodies.read_object(request, optional=True)
    filters = body.get("filters", {})
    if not isinstance(filters, dict):
        raise problems.invalid("filters", "must be an object")
    bodies.require_storable(filters, "filters", max_depth=MAX_FILTER_DEPTH)
    job_id = requested_id(request, "job")
    if key is not None:
        key = key.of(job_id, export_type, filters)
    async with transaction(request) as connection:
        queue = partial(_queue, connection, job_id, export_type, filters)
        answer = await idempotency.once(connection, key, queue)
    return answer.as_response()


async def list_exports(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}/exports."""
    return await list_of_job(request, "api/list_exports", show_export)


async def get_export(request: web.Request) -> web.Response:
    """GET /api/exports/{export_id}."""
    row = await find_requested(request, "export")
    headers = {"Retry-After": str(POLL_AFTER_S)} if row["state"] in LIVE else {}
    return web.json_response({"data": show_export(row)}, headers=headers)


async def cancel_export(request: web.Request) -> web.Response:
    """POST /api/exports/{export_id}/cancel."""
    return await _change(request, "api/cancel_export", refusal="export_not_cancelable")


async def retry_export(request: web.Request) -> web.Response:
    """POST /api/exports/{export_id}/retry."""
    return await _change(request, "api/retry_export", refusal="export_not_retryable")


async def download_export(request: web.Request) -> web.StreamResponse:
    """GET /api/exports/{export_id}/download."""
    row = await find_requested(request, "export")
    _require_ready(row)
    return await downloads.send(
        request,
        Download(
            storage_path=row["storage_path"],
            size=row["object_size"],
            sha256=row["object_sha256"],
            content_type="application/zip",
            file_name=f"{row['export_type']}-{row['id']}.zip",
        ),
    )


async def get_manifest(request: web.Request) -> web.Response:
    """GET /api/exports/{export_id}/manifest: exactly the bytes that were hashed."""
    row = await find_requested(request, "export")
    _require_ready(row)
    return web.Response(
        body=row["manifest"].encode(),
        content_type="application/json",
        headers={"Repr-Digest": downloads.repr_digest(row["manifest_hash"])},
    )


async def _queue(
    connection: Connection, job_id: UUID, export_type: str, filters: Mapping[str, Any]
) -> RecordedAnswer:
    """Queue an export, or answer with the live one of this job and type."""
    export_id = uuid4()
    queued = await fetch_one(
        connection,
        "api/request_export",
        id=export_id,
        job_id=job_id,
        export_type=export_type,
        filters=Jsonb(filters),
    )
    if queued is None:
        raise absent("job")
    row = await find(connection, "export", queued["id"])
    headers = {"Location": f"/api/exports/{row['id']}", "Retry-After": str(POLL_AFTER_S)}
    status = 202
    if row["id"] != export_id:
        status, headers["X-Export-In-Progress"] = 200, "true"
    return RecordedAnswer.about(row["id"], show_export(row), status, headers)


async def _change(request: web.Request, query: str, *, refusal: str) -> web.Response:
    """Cancel or retry; the query returns true (done), false (wrong state) or null (absent)."""
    export_id = requested_id(request, "export")
    async with transaction(request) as connection:
        change = await fetch_one(connection, query, id=export_id)
        row = await find(connection, "export", export_id)
    if change is None or not change["done"]:
        raise Problem(refusal, f"The export is {row['state']}.")
    headers = {"Location": f"/api/exports/{row['id']}"}
    if row["state"] in LIVE:
        headers["Retry-After"] = str(POLL_AFTER_S)
    return web.json_response({"data": show_export(row)}, status=202, headers=headers)


def _require_ready(row: Row) -> None:
    if row["state"] != "ready":
        raise Problem(
            "export_not_ready",
            f"The export is {row['state']}.",
            retry_after_s=POLL_AFTER_S if row["state"] in LIVE else None,
        )
