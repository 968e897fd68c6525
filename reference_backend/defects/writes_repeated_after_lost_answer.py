"""A transaction that the database did not answer is simply run again."""

from aiohttp import web

from reference_backend.api import bodies, jobs
from reference_backend.api.context import transaction
from reference_backend.api.presentation import show_job
from reference_backend.database import DatabaseUnavailable, Row, fetch_all
from reference_backend.defects import Defect


async def _insert(request: web.Request, title: str) -> Row:
    async with transaction(request) as connection:
        [row] = await fetch_all(connection, "api/create_job", title=title)
    return row


async def _create_job(request: web.Request) -> web.Response:
    body = await bodies.read_object(request)
    title = bodies.require_text(body.get("title"), "title", max_length=jobs.MAX_TITLE)
    try:
        row = await _insert(request, title)
    except DatabaseUnavailable:
        row = await _insert(request, title)
    headers = {"Location": f"/api/jobs/{row['id']}"}
    return web.json_response({"data": show_job(row)}, status=201, headers=headers)


def _patch() -> None:
    jobs.create_job = _create_job


DEFECT = Defect(
    title="A transaction is run again when the connection is lost, also in its commit: two jobs",
    source="known: a retry decorator around a whole transaction, without a key",
    expected=("chaos.half-written",),
    patch=_patch,
)
