"""Evidence uploads: received, inspected, stored and sealed, once.

The object is durable in storage before the transaction that seals it begins, so there is no record
without its object. If that transaction sealed nothing, the object is removed again, so there is no
object without its record.
"""

import logging
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from aiohttp import web

from reference_backend.api import bodies, idempotency, metrics, multipart, upload_form
from reference_backend.api.context import PRINCIPAL, services, transaction
from reference_backend.api.file_types import ALLOWED
from reference_backend.api.idempotency import IdempotencyKey, RecordedAnswer
from reference_backend.api.presentation import show_evidence
from reference_backend.api.problems import KINDS, Problem
from reference_backend.api.resources import absent, find, requested_id
from reference_backend.api.upload_form import UploadForm
from reference_backend.database import Connection, DatabaseUnavailable, fetch_one
from reference_backend.storage.directory import StagedObject, Storage
from reference_backend.storage.objects import StorageUnavailable

ROUTE = "uploadEvidence"
_FAILURE_REASONS = {413: "quota", 400: "validation", 415: "validation", 422: "validation"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Upload:
    """A completely received file, and how it will be stored."""

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
    organization_id, shared = request[PRINCIPAL].organization_id, services(request)
    # Checked before the client is asked for the body:
    key = idempotency.required_key(request, ROUTE)
    boundary = _accepted_boundary(request, shared.settings.max_upload_bytes)
    job_id = requested_id(request, "job")
    async with transaction(request) as connection:
        await find(connection, "job", job_id)
    async with (
        shared.keys_in_flight.hold(organization_id, ROUTE, key.key),
        shared.storage.stage() as staged,
    ):
        form = await upload_form.receive(
            request, boundary, staged, max_bytes=shared.settings.max_upload_bytes
        )
        upload = _described(organization_id, job_id, key, form, staged)
        answer = await _answer_known(request, upload)
        if answer is None:
            answer = await _store_and_seal(request, upload, staged)
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
    organization_id: UUID, job_id: UUID, key: IdempotencyKey, form: UploadForm, staged: StagedObject
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
        storage_path=f"evidence/{organization_id}/{job_id}/{evidence_id}{extension}",
    )


async def _answer_known(request: web.Request, upload: _Upload) -> RecordedAnswer | None:
    """The answer if nothing has to be stored: to a replay, or to bytes that the job has."""
    async with transaction(request) as connection:
        if answer := await idempotency.replay(connection, upload.key):
            return answer
        known = await fetch_one(
            connection,
            "api/find_evidence_by_digest",
            job_id=upload.job_id,
            file_sha256=upload.sha256,
        )
        return None if known is None else await _seal_once(connection, upload)


async def _store_and_seal(
    request: web.Request, upload: _Upload, staged: StagedObject
) -> RecordedAnswer:
    await staged.publish(upload.storage_path)
    committing = keep = False
    try:
        async with transaction(request) as connection:
            answer = await _seal_once(connection, upload)
            committing = True
        # A concurrent request with the same key or bytes may have been first: its object is kept.
        keep = answer.resource_id == upload.evidence_id
        return answer
    except BaseException:
        # The connection was lost during the commit, which may have succeeded. A record without its
        # object is worse than an object without its record.
        keep = committing and await _may_be_sealed(request, upload)
        raise
    finally:
        if not keep:
            await _remove(services(request).storage, upload.storage_path)


async def _seal_once(connection: Connection, upload: _Upload) -> RecordedAnswer:
    return await idempotency.once(connection, upload.key, partial(_seal, connection, upload))


async def _seal(connection: Connection, upload: _Upload) -> RecordedAnswer:
    """Seal the upload, or answer with the job's record of the same bytes."""
    row = await fetch_one(
        connection,
        "api/seal_evidence",
        id=upload.evidence_id,
        job_id=upload.job_id,
        file_size=upload.size,
        file_sha256=upload.sha256,
        storage_path=upload.storage_path,
        **vars(upload.form),
    )
    if row is None:
        raise absent("job")
    status, headers = 201, {"Location": f"/api/evidence/{row['id']}"}
    if row["id"] != upload.evidence_id:
        status, headers["X-Evidence-Deduplicated"] = 200, "true"
    return RecordedAnswer.about(row["id"], show_evidence(row), status, headers)


async def _may_be_sealed(request: web.Request, upload: _Upload) -> bool:
    try:
        async with transaction(request) as connection:
            return (
                await fetch_one(connection, "api/get_evidence", id=upload.evidence_id) is not None
            )
    except DatabaseUnavailable:
        _log.warning("%s may or may not be sealed; it is kept", upload.storage_path)
        return True


async def _remove(storage: Storage, path: str) -> None:
    try:
        await storage.delete(path)
    except StorageUnavailable:
        _log.exception("could not remove %s, which has no record", path)
