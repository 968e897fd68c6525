"""The fingerprint covers the body but not the job in the path."""

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
        return replace(upload, key=key.of(staged.sha256, form.tag, form.phase))

    uploads._described = described  # noqa: SLF001


DEFECT = Defect(
    title="The fingerprint leaves out the job: evidence for one job gets another job's record as answer",
    source="P14: idempotent replay ignored the body and the job",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
