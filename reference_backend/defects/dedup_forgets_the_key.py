"""Nothing is stored for a duplicate, so its answer is not recorded either."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api import idempotency, uploads
from reference_backend.api.context import transaction
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.api.presentation import show_evidence
from reference_backend.api.resources import find
from reference_backend.database import fetch_one
from reference_backend.defects import Defect


async def _answer_known(request: web.Request, upload: uploads._Upload) -> RecordedAnswer | None:
    async with transaction(request) as connection:
        if answer := await idempotency.replay(connection, upload.key):
            return answer
        query = "api/find_evidence_by_digest"
        row = await fetch_one(connection, query, job_id=upload.job_id, file_sha256=upload.sha256)
        if row is None:
            return None
        known = await find(connection, "evidence", row["id"])
    headers = {"Location": f"/api/evidence/{known['id']}", "X-Evidence-Deduplicated": "true"}
    return RecordedAnswer.about(known["id"], show_evidence(known), 200, headers)


def _patch() -> None:
    uploads._answer_known = _answer_known  # noqa: SLF001


DEFECT = Defect(
    title="The answer to a duplicate is not recorded under its key: the key can be used again for another request",
    source="known: an early return above the line that records the answer",
    expected=("upload.sha-dedup",),
    patch=_patch,
)
