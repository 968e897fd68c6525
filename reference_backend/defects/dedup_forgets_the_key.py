"""Nothing is stored for a duplicate, so its answer is not recorded either."""

from reference_backend import queries
from reference_backend.api import idempotency, uploads
from reference_backend.api.auth import Principal
from reference_backend.api.context import Services
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.api.presentation import show_evidence
from reference_backend.database import tenant_transaction
from reference_backend.defects import Defect


async def _answer_known(
    shared: Services, principal: Principal, upload: uploads._Upload
) -> RecordedAnswer | None:
    async with tenant_transaction(shared.pool, principal.claims) as connection:
        if answer := await idempotency.replay(connection, upload.key):
            return answer
        parameters = {"job_id": upload.job_id, "file_sha256": upload.sha256}
        found = await connection.execute(queries.load("api/find_evidence_by_digest"), parameters)
        row = await found.fetchone()
        if row is None:
            return None
        shown = await connection.execute(queries.load("api/get_evidence"), {"id": row["id"]})
        known = await shown.fetchone()
    assert known is not None
    headers = {
        "Location": f"/api/evidence/{known['id']}",
        "X-Evidence-Deduplicated": "true",
    }
    return RecordedAnswer.about(known["id"], show_evidence(known), 200, headers)


def _patch() -> None:
    uploads._answer_known = _answer_known  # noqa: SLF001


DEFECT = Defect(
    title="The answer to a duplicate is not recorded under its key: the key can be used again for another request",
    source="known: an early return above the line that records the answer",
    expected=("upload.sha-dedup",),
    patch=_patch,
)
