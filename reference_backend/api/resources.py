"""Finding what a request names by its id: a job, a piece of evidence, an export, a ledger event."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from aiohttp import web

from reference_backend.api import pagination
from reference_backend.api.context import transaction
from reference_backend.api.identifiers import parse_id
from reference_backend.api.presentation import Row
from reference_backend.api.problems import Problem
from reference_backend.database import Connection, fetch_all, fetch_one


def requested_id(request: web.Request, kind: str) -> UUID:
    """The id in the path, from ``{<kind>_id}``; a 404 Problem if it is not a UUID."""
    item_id = parse_id(request.match_info[f"{kind}_id"])
    if item_id is None:
        raise absent(kind)
    return item_id


def absent(kind: str) -> Problem:
    """The same 404 for an id that does not exist, is another tenant's, or is no id."""
    return Problem("not_found", f"There is no such {kind}.")


async def find(connection: Connection, kind: str, item_id: UUID) -> Row:
    """The organization's row, by ``queries/api/get_<kind>.sql``; a 404 Problem if there is none."""
    row = await fetch_one(connection, f"api/get_{kind}", id=item_id)
    if row is None:
        raise absent(kind)
    return row


async def find_requested(request: web.Request, kind: str) -> Row:
    """As `find`, for the id in the path."""
    item_id = requested_id(request, kind)
    async with transaction(request) as connection:
        return await find(connection, kind, item_id)


async def list_of_job(
    request: web.Request, query: str, show: Callable[[Row], dict[str, Any]]
) -> web.Response:
    """One page of what belongs to the job in the path."""
    job_id = requested_id(request, "job")
    page = pagination.parse_page(request.query)
    async with transaction(request) as connection:
        await find(connection, "job", job_id)
        rows = await fetch_all(connection, query, job_id=job_id, **page.parameters)
    return web.json_response(pagination.page_of(rows, page, show, pagination.by_time))
