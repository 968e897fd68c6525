"""Each process caches the list of jobs for a while."""

import time

from aiohttp import web

from reference_backend.api import jobs
from reference_backend.api.context import PRINCIPAL
from reference_backend.defects import Defect

KEEP_S = 5.0
_kept: dict[tuple[object, str], tuple[float, bytes]] = {}


def _patch() -> None:
    list_jobs, create_job = jobs.list_jobs, jobs.create_job

    async def cached_list(request: web.Request) -> web.Response:
        key = (request[PRINCIPAL].organization_id, request.query_string)
        made_at, body = _kept.get(key, (0.0, b""))
        if time.monotonic() - made_at > KEEP_S:
            answer = await list_jobs(request)
            assert isinstance(answer.body, bytes)
            body = answer.body
            _kept[key] = (time.monotonic(), body)
        return web.Response(body=body, content_type="application/json")

    async def create_and_forget(request: web.Request) -> web.Response:
        answer = await create_job(request)
        for key in [key for key in _kept if key[0] == request[PRINCIPAL].organization_id]:
            del _kept[key]
        return answer

    jobs.list_jobs, jobs.create_job = cached_list, create_and_forget


DEFECT = Defect(
    title="Each process caches the list of jobs and invalidates only its own cache when a job is created",
    source="L10's family: a cache whose invalidation knows one process",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
