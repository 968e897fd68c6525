"""Every answer is kept under its key, refusals included."""

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect

_refusals: dict[tuple[object, str], Problem] = {}


def _patch() -> None:
    clean = uploads.upload_evidence

    async def upload_evidence(request: web.Request) -> web.Response:
        key = (request[PRINCIPAL].organization_id, request.headers.get("Idempotency-Key", ""))
        if key in _refusals:
            raise _refusals[key]
        try:
            return await clean(request)
        except Problem as problem:
            if key[1]:
                _refusals[key] = problem
            raise

    uploads.upload_evidence = upload_evidence


DEFECT = Defect(
    title="A refusal is kept under its key: the corrected upload is refused forever",
    source="I7: failures cached with the successes",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
