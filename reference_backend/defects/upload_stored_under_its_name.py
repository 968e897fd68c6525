"""Objects are stored under the clients' file names, with unsafe characters replaced."""

import re
from dataclasses import replace
from uuid import UUID

from reference_backend.api import uploads
from reference_backend.api.auth import Principal
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.api.upload_form import UploadForm
from reference_backend.defects import Defect, Edit
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
        name = re.sub(r"[^A-Za-z0-9._-]", "_", form.file_name).strip(".")[:100] or "file"
        folder = upload.storage_path.rpartition("/")[0]
        return replace(upload, storage_path=f"{folder}/{name}")

    uploads._described = described  # noqa: SLF001


DEFECT = Defect(
    title="Objects are stored under their cleaned file names: the second photo.png replaces the first",
    source="U11, R24: paths made of what is not unique",
    expected=("upload.filename-traversal",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="storage_path    text NOT NULL UNIQUE,",
            new="storage_path    text NOT NULL,",
        ),
    ),
    patch=_patch,
)
