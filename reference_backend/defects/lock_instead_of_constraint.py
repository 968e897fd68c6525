"""Uploads of the same bytes are serialized by a lock of the process; the database has no constraint."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.defects import Defect, Edit
from reference_backend.storage.directory import StagedObject


def _patch() -> None:
    turns: dict[tuple[object, str], asyncio.Lock] = defaultdict(asyncio.Lock)
    clean = uploads._store_and_seal  # noqa: SLF001

    async def store_and_seal(
        request: web.Request, upload: uploads._Upload, staged: StagedObject
    ) -> RecordedAnswer:
        async with turns[upload.job_id, upload.sha256]:
            known = await uploads._answer_known(request, upload)  # noqa: SLF001
            return known or await clean(request, upload, staged)

    uploads._store_and_seal = store_and_seal  # noqa: SLF001


DEFECT = Defect(
    title="Deduplication relies on an asyncio.Lock: two processes store the same bytes twice",
    source="U5, U10: renfield #396, akb #305",
    expected=("instances.no-duplicates",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="    UNIQUE (organization_id, job_id, file_sha256) --",
            new="    UNIQUE (organization_id, job_id, file_sha256, id) --",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="""    VALUES (p_id, v_organization_id, p_job_id, p_file_name, p_file_size, p_mime_type, p_file_sha256,
            p_storage_path, p_tag, p_phase, p_captured_at)
    ON CONFLICT (organization_id, job_id, file_sha256) DO NOTHING""",
            new="""    SELECT p_id, v_organization_id, p_job_id, p_file_name, p_file_size, p_mime_type, p_file_sha256,
           p_storage_path, p_tag, p_phase, p_captured_at
    WHERE NOT EXISTS (SELECT FROM evidence AS e
                      WHERE e.organization_id = v_organization_id AND e.job_id = p_job_id
                        AND e.file_sha256 = p_file_sha256)""",
        ),
    ),
    patch=_patch,
)
