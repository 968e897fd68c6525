"""Whatever goes wrong while an upload is sealed, its object is removed again."""

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.defects import Defect


async def _may_be_sealed(request: web.Request, upload: uploads._Upload) -> bool:
    return False


def _patch() -> None:
    uploads._may_be_sealed = _may_be_sealed  # noqa: SLF001


DEFECT = Defect(
    title="An upload whose COMMIT got no answer is cleaned up: its record is there without its object",
    source="known: `except Exception: delete(object)` around a transaction that may have committed",
    expected=("chaos.half-written",),
    patch=_patch,
)
