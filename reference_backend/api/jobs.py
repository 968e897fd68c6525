"""Jobs: evidence and exports belong to a job."""

from aiohttp import web

from reference_backend.api import bodies, pagination, problems
from reference_backend.api.context import transaction
from reference_backend.api.presentation import show_job
from reference_backend.api.resources import find_requested
from reference_backend.database import fetch_all

MAX_TITLE = 200


async def create_job(request: web.Request) -> web.Response:
    """POST /api/jobs."""
    body = await bodies.read_object(request)
    title = bodies.require_text(body.get("title"), "title", max_length=MAX_TITLE)
    if not title:
        raise problems.invalid("title", "must not be empty")
    async with transaction(request) as connection:
        [row] = await fetch_all(connection, "api/create_job", title=title)
    headers = {"Location": f"/api/jobs/{row['id']}"}
    return web.json_response({"data": show_job(row)}, status=201, headers=headers)


async def list_jobs(request: web.Request) -> web.Response:
    """GET /api/jobs."""
    page = pagination.parse_page(request.query)
    async with transaction(request) as connection:
        rows = await fetch_all(connection, "api/list_jobs", **page.parameters)
    return web.json_response(pagination.page_of(rows, page, show_job, pagination.by_time))


async def get_job(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}."""
    return web.json_response({"data": show_job(await find_requested(request, "job"))})
