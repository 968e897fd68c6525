"""Evidence uploads: received, inspected, stored and sealed, once.

The object is durable in storage before the transaction that seals it begins, so there is no
record without its object; and where that transaction turns out to have sealed nothing, the object
is removed again, so there is no object without its record.
"""

import logging
from dataclasses import dataclass
from uuid import UUID, uuid4

from aiohttp import web

from reference_backend import queries
from reference_backend.api import bodies, idempotency, metrics, multipart, upload_form
from reference_backend.api.auth import Principal
from reference_backend.api.context import PRINCIPAL, Services, services
from reference_backend.api.file_types import ALLOWED
from reference_backend.api.idempotency import IdempotencyKey, RecordedAnswer
from reference_backend.api.jobs import find_job, requested_job_id
from reference_backend.api.presentation import show_evidence
from reference_backend.api.problems import KINDS, Problem
from reference_backend.api.upload_form import UploadForm
from reference_backend.database import Connection, DatabaseUnavailable, tenant_transaction
from reference_backend.storage.interface import StagedObject, StorageUnavailable

ROUTE = "uploadEvidence"
_FAILURE_REASONS = {413: "quota", 400: "validation", 415: "validation", 422: "validation"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Upload:
    """A file that was received in full, and what is to become of it."""

    evidence_id: UUID
    job_id: UUID
    key: IdempotencyKey
    form: UploadForm
    size: int
    sha256: str
    storage_path: str


async def upload_evidence(request: web.Request) -> web.Response:
    """POST /api/jobs/{job_id}/evidence/upload."""
    try:
        return await _upload(request)
    except Problem as problem:
        if reason := _FAILURE_REASONS.get(KINDS[problem.code].status):
            metrics.upload_failed(reason)
        raise
    except ConnectionError:
        metrics.upload_failed("network")
        raise


async def _upload(request: web.Request) -> web.Response:
    principal, shared = request[PRINCIPAL], services(request)
    # From the headers alone, before a byte of the body is asked for:
    key = idempotency.required_key(request, ROUTE)
    boundary = _accepted_boundary(request, shared.settings.max_upload_bytes)
    job_id = requested_job_id(request)
    async with tenant_transaction(shared.pool, principal.claims) as connection:
        await find_job(connection, job_id)
    async with (
        shared.keys_in_flight.hold(principal.organization_id, ROUTE, key.key),
        shared.storage.stage() as staged,
    ):
        form = await upload_form.receive(
            request, boundary, staged, max_bytes=shared.settings.max_upload_bytes
        )
        upload = _described(principal, job_id, key, form, staged)
        answer = await _answer_known(shared, principal, upload)
        if answer is None:
            answer = await _store_and_seal(shared, principal, upload, staged)
    return answer.as_response()


def _accepted_boundary(request: web.Request, max_bytes: int) -> bytes:
    try:
        boundary = multipart.boundary_of(request.headers.get("Content-Type"))
    except multipart.MalformedMultipartError as error:
        raise Problem("malformed_multipart", f"{error}.") from error
    bodies.refuse_encoded(request)
    if (request.content_length or 0) > max_bytes + upload_form.FRAME_ALLOWANCE:
        raise upload_form.too_large(max_bytes)
    return boundary


def _described(
    principal: Principal, job_id: UUID, key: IdempotencyKey, form: UploadForm, staged: StagedObject
) -> _Upload:
    evidence_id = uuid4()
    extension = ALLOWED[form.mime_type].extension
    return _Upload(
        evidence_id=evidence_id,
        job_id=job_id,
        # captured_at is left out: the existing client does not repeat it.
        key=key.of(job_id, staged.sha256, form.tag, form.phase),
        form=form,
        size=staged.size,
        sha256=staged.sha256,
        storage_path=f"evidence/{principal.organization_id}/{job_id}/{evidence_id}{extension}",
    )


async def _answer_known(
    shared: Services, principal: Principal, upload: _Upload
) -> RecordedAnswer | None:
    """The answer where nothing has to be stored: to a replay, or to bytes that the job has."""
    async with tenant_transaction(shared.pool, principal.claims) as connection:
        if answer := await idempotency.replay(connection, upload.key):
            return answer
        cursor = await connection.execute(
            queries.load("api/find_evidence_by_digest"),
            {"job_id": upload.job_id, "file_sha256": upload.sha256},
        )
        if await cursor.fetchone() is None:
            return None
        return await _seal_once(connection, upload)


async def _store_and_seal(
    shared: Services, principal: Principal, upload: _Upload, staged: StagedObject
) -> RecordedAnswer:
    await staged.publish(upload.storage_path)
    committing = keep = False
    try:
        async with tenant_transaction(shared.pool, principal.claims) as connection:
            answer = await _seal_once(connection, upload)
            committing = True
        # A racer may have been first, with the same key or the same bytes: then theirs is kept.
        keep = answer.resource_id == upload.evidence_id
        return answer
    except BaseException:
        # Lost during the commit: it may have happened. A record without its object is worse than
        # an object without its record.
        keep = committing and await _may_be_sealed(shared, principal, upload)
        raise
    finally:
        if not keep:
            await _remove(shared, upload.storage_path)


async def _seal_once(connection: Connection, upload: _Upload) -> RecordedAnswer:
    """Seal the upload and record the answer under its key, or replay the one that is there."""
    if not await idempotency.reserve(connection, upload.key):
        replayed = await idempotency.replay(connection, upload.key)
        if replayed is None:
            raise LookupError("an idempotency key is taken but has no answer")
        return replayed
    cursor = await connection.execute(
        queries.load("api/seal_evidence"),
        {
            "id": upload.evidence_id,
            "job_id": upload.job_id,
            "file_name": upload.form.file_name,
            "file_size": upload.size,
            "mime_type": upload.form.mime_type,
            "file_sha256": upload.sha256,
            "storage_path": upload.storage_path,
            "tag": upload.form.tag,
            "phase": upload.form.phase,
            "captured_at": upload.form.captured_at,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise Problem("not_found", "There is no such job.")
    status, headers = 201, {"Location": f"/api/evidence/{row['id']}"}
    if row["id"] != upload.evidence_id:
        status, headers["X-Evidence-Deduplicated"] = 200, "true"
    answer = RecordedAnswer.about(row["id"], show_evidence(row), status, headers)
    await idempotency.record(connection, upload.key, answer)
    return answer


async def _may_be_sealed(shared: Services, principal: Principal, upload: _Upload) -> bool:
    try:
        async with tenant_transaction(shared.pool, principal.claims) as connection:
            cursor = await connection.execute(
                queries.load("api/get_evidence"), {"id": upload.evidence_id}
            )
            return await cursor.fetchone() is not None
    except DatabaseUnavailable:
        _log.warning("%s may or may not be sealed; it is kept", upload.storage_path)
        return True


async def _remove(shared: Services, storage_path: str) -> None:
    try:
        await shared.storage.delete(storage_path)
    except StorageUnavailable:
        _log.exception("could not remove %s, which no record names", storage_path)
