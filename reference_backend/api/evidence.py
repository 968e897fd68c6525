"""Evidence that is sealed already: shown, listed, downloaded."""

from typing import Any

from aiohttp import web

from reference_backend import queries
from reference_backend.api import downloads, pagination
from reference_backend.api.context import PRINCIPAL, services
from reference_backend.api.downloads import Download
from reference_backend.api.identifiers import parse_id
from reference_backend.api.jobs import find_job, requested_job_id
from reference_backend.api.presentation import show_evidence
from reference_backend.api.problems import Problem
from reference_backend.database import tenant_transaction


async def list_evidence(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}/evidence."""
    job_id = requested_job_id(request)
    page = pagination.parse_page(request.query)
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        await find_job(connection, job_id)
        cursor = await connection.execute(
            queries.load("api/list_evidence"), {"job_id": job_id, **page.parameters}
        )
        rows = await cursor.fetchall()
    return web.json_response(
        pagination.page_of(rows, page, show=show_evidence, cursor=pagination.by_time)
    )


async def get_evidence(request: web.Request) -> web.Response:
    """GET /api/evidence/{evidence_id}."""
    return web.json_response({"data": show_evidence(await _requested(request))})


async def get_content(request: web.Request) -> web.StreamResponse:
    """GET /api/evidence/{evidence_id}/content."""
    row = await _requested(request)
    return await downloads.send(
        request,
        Download(
            storage_path=row["storage_path"],
            size=row["file_size"],
            sha256=row["file_sha256"],
            content_type=row["mime_type"],
            file_name=row["file_name"],
        ),
    )


async def _requested(request: web.Request) -> dict[str, Any]:
    evidence_id = parse_id(request.match_info["evidence_id"])
    row = None
    if evidence_id is not None:
        claims = request[PRINCIPAL].claims
        async with tenant_transaction(services(request).pool, claims) as connection:
            cursor = await connection.execute(queries.load("api/get_evidence"), {"id": evidence_id})
            row = await cursor.fetchone()
    if row is None:
        raise Problem("not_found", "There is no such evidence.")
    return row
