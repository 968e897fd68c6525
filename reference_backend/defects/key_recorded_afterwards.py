"""An upload is sealed in one transaction, and its key is recorded in the next."""

from aiohttp import web

from reference_backend.api import idempotency, uploads
from reference_backend.api.context import transaction
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject


async def _store_and_seal(
    request: web.Request, upload: uploads._Upload, staged: StagedObject
) -> RecordedAnswer:
    await staged.publish(upload.storage_path)
    async with transaction(request) as connection:
        answer = await uploads._seal(connection, upload)  # noqa: SLF001
    async with transaction(request) as connection:
        if await idempotency.reserve(connection, upload.key):
            await idempotency.record(connection, upload.key, answer)
    return answer


def _patch() -> None:
    uploads._store_and_seal = _store_and_seal  # noqa: SLF001


DEFECT = Defect(
    title="A key is recorded in another transaction than its record, which may be lost in between",
    source="known: an idempotency middleware that saves the response when the handler has returned",
    expected=("chaos.half-written",),
    patch=_patch,
)
