"""Objects are stored under the clients' file names, with unsafe characters replaced."""

from __future__ import annotations

import re
from dataclasses import replace

from reference_backend.api import uploads
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect, Edit, _helpers
from reference_backend.storage.directory import StagedObject


def _under_its_name(
    upload: uploads._Upload, _key: IdempotencyKey, _staged: StagedObject
) -> uploads._Upload:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", upload.form.file_name).strip(".")[:100] or "file"
    folder = upload.storage_path.rpartition("/")[0]
    return replace(upload, storage_path=f"{folder}/{name}")


def _patch() -> None:
    _helpers.change_uploads(_under_its_name)


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
