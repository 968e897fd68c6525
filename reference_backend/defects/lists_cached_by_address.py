"""Each list answer is cached for a second by its URL."""

import time

from aiohttp import web

from reference_backend.api import jobs, ledger
from reference_backend.defects import Defect

KEEP_S = 1.0
_kept: dict[str, tuple[float, bytes]] = {}


def _patch() -> None:
    clean_jobs, clean_events = jobs.list_jobs, ledger.list_ledger_events

    def kept(request: web.Request) -> web.Response | None:
        made_at, body = _kept.get(request.path_qs, (0.0, b""))
        if time.monotonic() - made_at > KEEP_S:
            return None
        return web.Response(body=body, content_type="application/json")

    def keep(request: web.Request, answer: web.Response) -> web.Response:
        assert isinstance(answer.body, bytes)
        _kept[request.path_qs] = (time.monotonic(), answer.body)
        return answer

    async def list_jobs(request: web.Request) -> web.Response:
        return kept(request) or keep(request, await clean_jobs(request))

    async def list_ledger_events(request: web.Request) -> web.Response:
        return kept(request) or keep(request, await clean_events(request))

    jobs.list_jobs, ledger.list_ledger_events = list_jobs, list_ledger_events


DEFECT = Defect(
    title="Lists are cached by URL: the next request sees another organization's list",
    source="L10: list cached across organizations",
    expected=("tenancy.lists",),
    patch=_patch,
)
