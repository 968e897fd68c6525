"""A repeated upload must agree in every field, also in the one that clients leave out."""

from dataclasses import replace
from uuid import UUID

from reference_backend.api import uploads
from reference_backend.api.auth import Principal
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.api.upload_form import UploadForm
from reference_backend.defects import Defect
from reference_backend.storage.interface import StagedObject


def _patch() -> None:
    clean = uploads._described  # noqa: SLF001

    def described(
        principal: Principal,
        job_id: UUID,
        key: IdempotencyKey,
        form: UploadForm,
        staged: StagedObject,
    ) -> uploads._Upload:
        upload = clean(principal, job_id, key, form, staged)
        whole = key.of(job_id, staged.sha256, form.tag, form.phase, form.captured_at)
        return replace(upload, key=whole)

    uploads._described = described  # noqa: SLF001


DEFECT = Defect(
    title="captured_at is part of the idempotency fingerprint: the existing client's replay is refused",
    source="I4, P14, turned too strict",
    expected=("golden.upload-replay",),
    patch=_patch,
)
