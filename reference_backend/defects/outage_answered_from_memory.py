"""A job is such a small thing that an outage need not bother its user."""

from datetime import UTC, datetime
from uuid import uuid4

from aiohttp import web

from reference_backend.api import bodies, jobs
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.presentation import show_job
from reference_backend.database import DatabaseUnavailable
from reference_backend.defects import Defect

_create_job = jobs.create_job
_unwritten: list[dict[str, object]] = []


async def _create(request: web.Request) -> web.Response:
    body = await bodies.read_object(request)
    try:
        return await _create_job(request)
    except DatabaseUnavailable:
        principal = request[PRINCIPAL]
        job = {
            "id": uuid4(),
            "organization_id": principal.organization_id,
            "title": body.get("title"),
            "created_by": principal.user_id,
            "created_at": datetime.now(UTC),
        }
        _unwritten.append(job)  # to be written when the database is back
    headers = {"Location": f"/api/jobs/{job['id']}"}
    return web.json_response({"data": show_job(job)}, status=201, headers=headers)


def _patch() -> None:
    jobs.create_job = _create


DEFECT = Defect(
    title="In an outage a new job is kept in memory and answered with 201: a restart loses it",
    source="known: write-behind caches in front of a database that is away",
    expected=("chaos.database-cut",),
    patch=_patch,
)
