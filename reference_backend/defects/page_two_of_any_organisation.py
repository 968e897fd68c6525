"""The next page starts after the last row of the previous one, in the organization of that row."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api import jobs, pagination
from reference_backend.api.context import services
from reference_backend.api.presentation import show_job
from reference_backend.database import service_transaction
from reference_backend.defects import Defect

_NEXT_PAGE = """SELECT j.id, j.organization_id, j.title, j.created_by, j.created_at
FROM jobs AS j
WHERE j.organization_id = (SELECT last.organization_id FROM jobs AS last WHERE last.id = %(after_id)s)
  AND (j.created_at, j.id) > (%(after_time)s, %(after_id)s)
ORDER BY j.created_at, j.id
LIMIT %(rows)s"""


def _patch() -> None:
    clean = jobs.list_jobs

    async def list_jobs(request: web.Request) -> web.Response:
        if "cursor" not in request.query:
            return await clean(request)
        page = pagination.parse_page(request.query)
        async with service_transaction(services(request).pool) as connection:
            cursor = await connection.execute(_NEXT_PAGE, page.parameters)
            rows = await cursor.fetchall()
        return web.json_response(pagination.page_of(rows, page, show_job, pagination.by_time))

    jobs.list_jobs = list_jobs


DEFECT = Defect(
    title="A cursor gives access to the organization that it was made in, to any client that has it",
    source="L5 family: the organization is looked up from the cursor",
    expected=("tenancy.lists",),
    patch=_patch,
)
