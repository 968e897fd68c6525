"""Sealed evidence: shown, listed, downloaded."""

from aiohttp import web

from reference_backend.api import downloads
from reference_backend.api.downloads import Download
from reference_backend.api.presentation import show_evidence
from reference_backend.api.resources import find_requested, list_of_job


async def list_evidence(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}/evidence."""
    return await list_of_job(request, "api/list_evidence", show_evidence)


async def get_evidence(request: web.Request) -> web.Response:
    """GET /api/evidence/{evidence_id}."""
    return web.json_response({"data": show_evidence(await find_requested(request, "evidence"))})


async def get_content(request: web.Request) -> web.StreamResponse:
    """GET /api/evidence/{evidence_id}/content."""
    row = await find_requested(request, "evidence")
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
