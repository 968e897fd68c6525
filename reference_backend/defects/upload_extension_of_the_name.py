"""The stored object keeps the extension of the client's file name."""

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
        generated = upload.storage_path.rpartition(".")[0]
        ending = form.file_name.rpartition(".")[2]
        return replace(upload, storage_path=f"{generated}.{ending}")

    uploads._described = described  # noqa: SLF001


DEFECT = Defect(
    title="The storage path ends like the client's file name, path separators included",
    source="P13, U11",
    expected=("upload.filename-traversal",),
    patch=_patch,
)
