"""Jobs: what evidence and exports belong to."""

from typing import Any
from uuid import UUID

from aiohttp import web

from reference_backend import queries
from reference_backend.api import bodies, pagination, problems
from reference_backend.api.context import PRINCIPAL, services
from reference_backend.api.identifiers import parse_id
from reference_backend.api.presentation import Row, show_job
from reference_backend.api.problems import Problem
from reference_backend.database import Connection, tenant_transaction

MAX_TITLE = 200


async def create_job(request: web.Request) -> web.Response:
    """POST /api/jobs."""
    body = await bodies.read_object(request)
    title = bodies.require_text(body.get("title"), "title", max_length=MAX_TITLE)
    if not title:
        raise problems.invalid("title", "must not be empty")
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        cursor = await connection.execute(queries.load("api/create_job"), {"title": title})
        job = show_job(_one(await cursor.fetchone()))
    location = f"/api/jobs/{job['id']}"
    return web.json_response({"data": job}, status=201, headers={"Location": location})


async def list_jobs(request: web.Request) -> web.Response:
    """GET /api/jobs."""
    page = pagination.parse_page(request.query)
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        cursor = await connection.execute(queries.load("api/list_jobs"), page.parameters)
        rows = await cursor.fetchall()
    return web.json_response(
        pagination.page_of(rows, page, show=show_job, cursor=pagination.by_time)
    )


async def get_job(request: web.Request) -> web.Response:
    """GET /api/jobs/{job_id}."""
    job_id = requested_job_id(request)
    async with tenant_transaction(services(request).pool, request[PRINCIPAL].claims) as connection:
        row = await find_job(connection, job_id)
    return web.json_response({"data": show_job(row)})


def requested_job_id(request: web.Request) -> UUID:
    """The job in the path; what is no id is the id of no job."""
    job_id = parse_id(request.match_info["job_id"])
    if job_id is None:
        raise _absent()
    return job_id


async def find_job(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """The organization's job; a 404 where it has none with this id."""
    cursor = await connection.execute(queries.load("api/get_job"), {"id": job_id})
    row = await cursor.fetchone()
    if row is None:
        raise _absent()
    return row


def _absent() -> Problem:
    return Problem("not_found", "There is no such job.")


def _one(row: Row | None) -> Row:
    if row is None:
        raise LookupError("the database inserted a job and returned none")
    return row
