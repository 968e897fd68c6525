"""The fingerprint covers the body but not the job in the path."""

from __future__ import annotations

from dataclasses import replace

from reference_backend.api import uploads
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect, _helpers
from reference_backend.storage.directory import StagedObject


def _without_job(
    upload: uploads._Upload, key: IdempotencyKey, staged: StagedObject
) -> uploads._Upload:
    return replace(upload, key=key.of(staged.sha256, upload.form.tag, upload.form.phase))


def _patch() -> None:
    _helpers.change_uploads(_without_job)


DEFECT = Defect(
    title="The fingerprint leaves out the job: evidence for one job gets another job's record as answer",
    source="P14: idempotent replay ignored the body and the job",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
