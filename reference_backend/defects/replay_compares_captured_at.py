"""A repeated upload must agree in every field, also in the one that clients leave out."""

from __future__ import annotations

from dataclasses import replace

from reference_backend.api import uploads
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect, _helpers
from reference_backend.storage.directory import StagedObject


def _with_captured_at(
    upload: uploads._Upload, key: IdempotencyKey, staged: StagedObject
) -> uploads._Upload:
    form = upload.form
    whole = key.of(upload.job_id, staged.sha256, form.tag, form.phase, form.captured_at)
    return replace(upload, key=whole)


def _patch() -> None:
    _helpers.change_uploads(_with_captured_at)


DEFECT = Defect(
    title="captured_at is part of the idempotency fingerprint: the existing client's replay is refused",
    source="I4, P14, turned too strict",
    expected=("golden.upload-replay",),
    patch=_patch,
)
