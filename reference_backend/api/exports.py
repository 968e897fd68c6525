"""Exports: requested, watched, canceled, retried, and fetched once they are ready."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from psycopg.types.json import Jsonb

from reference_backend import queries
from reference_backend.api import bodies, downloads, idempotency, pagination, problems
from reference_backend.api.context import PRINCIPAL, services
from reference_backend.api.downloads import Download
from reference_backend.api.idempotency import IdempotencyKey, RecordedAnswer
from reference_backend.api.identifiers import parse_id
from reference_backend.api.jobs import find_job, requested_job_id
from reference_backend.api.presentation import show_export
from reference_backend.api.problems import Problem
from reference_backend.database import Connection, tenant_transaction

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
    job_id = requested_job_id(request)
    if key is not None:
        key = key.of(job_id, export_type, filters)
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        answer = await _request_once(connection, key, job_id, export_type, filters)
    return answer.as_response()


async def list_exports(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}/exports."""
    job_id = requested_job_id(request)
    page = pagination.parse_page(request.query)
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        await find_job(connection, job_id)
        cursor = await connection.execute(
            queries.load("api/list_exports"), {"job_id": job_id, **page.parameters}
        )
        rows = await cursor.fetchall()
    return web.json_response(
        pagination.page_of(rows, page, show=show_export, cursor=pagination.by_time)
    )


async def get_export(request: web.Request) -> web.Response:
    """GET /api/exports/{export_id}."""
    row = await _requested(request)
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
    row = await _requested(request)
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
    """GET /api/exports/{export_id}/manifest: the bytes that were hashed, as they were."""
    row = await _requested(request)
    _require_ready(row)
    return web.Response(
        body=row["manifest"].encode(),
        content_type="application/json",
        headers={"Repr-Digest": downloads.repr_digest(row["manifest_hash"])},
    )


async def find_export(connection: Connection, export_id: UUID | None) -> dict[str, Any]:
    """The organization's export; a 404 where it has none with this id, or this is no id."""
    row = None
    if export_id is not None:
        cursor = await connection.execute(queries.load("api/get_export"), {"id": export_id})
        row = await cursor.fetchone()
    if row is None:
        raise Problem("not_found", "There is no such export.")
    return row


async def _request_once(
    connection: Connection,
    key: IdempotencyKey | None,
    job_id: UUID,
    export_type: str,
    filters: Mapping[str, Any],
) -> RecordedAnswer:
    if key is not None and not await idempotency.reserve(connection, key):
        replayed = await idempotency.replay(connection, key)
        if replayed is None:
            raise LookupError("an idempotency key is taken but has no answer")
        return replayed
    export_id = uuid4()
    cursor = await connection.execute(
        queries.load("api/request_export"),
        {
            "id": export_id,
            "job_id": job_id,
            "export_type": export_type,
            "filters": Jsonb(filters),
        },
    )
    requested = await cursor.fetchone()
    if requested is None:
        await find_job(connection, job_id)  # the 404 of every route below this job
        raise LookupError("the database neither took the export nor lacks the job")
    row = await find_export(connection, requested["id"])
    headers = {"Location": f"/api/exports/{row['id']}", "Retry-After": str(POLL_AFTER_S)}
    status = 202
    if row["id"] != export_id:
        status, headers["X-Export-In-Progress"] = 200, "true"
    answer = RecordedAnswer.about(row["id"], show_export(row), status, headers)
    if key is not None:
        await idempotency.record(connection, key, answer)
    return answer


async def _change(request: web.Request, query: str, *, refusal: str) -> web.Response:
    """Cancel or retry; the database says true (done), false (wrong state) or null (absent)."""
    export_id = parse_id(request.match_info["export_id"])
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        cursor = await connection.execute(queries.load(query), {"id": export_id})
        change = await cursor.fetchone()
        row = await find_export(connection, export_id)
    if change is None or not change["done"]:
        raise Problem(refusal, f"The export is {row['state']}.")
    headers = {"Location": f"/api/exports/{row['id']}"}
    if row["state"] in LIVE:
        headers["Retry-After"] = str(POLL_AFTER_S)
    return web.json_response({"data": show_export(row)}, status=202, headers=headers)


async def _requested(request: web.Request) -> dict[str, Any]:
    export_id = parse_id(request.match_info["export_id"])
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        return await find_export(connection, export_id)


def _require_ready(row: Mapping[str, Any]) -> None:
    if row["state"] != "ready":
        raise Problem(
            "export_not_ready",
            f"The export is {row['state']}.",
            retry_after_s=POLL_AFTER_S if row["state"] in LIVE else None,
        )
