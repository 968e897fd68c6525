"""Every answer given under a key is given again, refusals included."""

from uuid import UUID

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    clean = uploads._upload  # noqa: SLF001
    refused: dict[tuple[UUID, str], Problem] = {}

    async def upload(request: web.Request) -> web.Response:
        name = (request[PRINCIPAL].organization_id, request.headers.get("Idempotency-Key", ""))
        if name in refused:
            raise refused[name]
        try:
            return await clean(request)
        except Problem as problem:
            refused[name] = problem
            raise

    uploads._upload = upload  # noqa: SLF001


DEFECT = Defect(
    title="A refusal is kept under its key: the corrected upload is refused forever",
    source="I7: failures cached with the answers",
    expected=("upload.refused-leaves-nothing",),
    patch=_patch,
)
