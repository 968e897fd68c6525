"""The stored object keeps the extension of the client's file name."""

from __future__ import annotations

from dataclasses import replace

from reference_backend.api import uploads
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect, _helpers
from reference_backend.storage.directory import StagedObject


def _with_own_extension(
    upload: uploads._Upload, _key: IdempotencyKey, _staged: StagedObject
) -> uploads._Upload:
    generated = upload.storage_path.rpartition(".")[0]
    extension = upload.form.file_name.rpartition(".")[2]
    return replace(upload, storage_path=f"{generated}.{extension}")


def _patch() -> None:
    _helpers.change_uploads(_with_own_extension)


DEFECT = Defect(
    title="The storage path ends like the client's file name, path separators included",
    source="P13, U11",
    expected=("upload.filename-traversal",),
    patch=_patch,
)
