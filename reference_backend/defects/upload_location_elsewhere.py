"""The Location lacks the prefix /api."""

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.defects import Defect


def _patch() -> None:
    clean = uploads.upload_evidence

    async def upload_evidence(request: web.Request) -> web.Response:
        answer = await clean(request)
        answer.headers["Location"] = answer.headers["Location"].removeprefix("/api")
        return answer

    uploads.upload_evidence = upload_evidence


DEFECT = Defect(
    title="The Location of new evidence lacks the prefix that a router adds: it leads to a 404",
    source="known: a mounted sub-application builds its own links",
    expected=("golden.upload",),
    patch=_patch,
)
