"""The column is a varchar(64), and longer keys are cut before."""

from dataclasses import replace

from aiohttp import web

from reference_backend.api import idempotency
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


def _patch() -> None:
    clean = idempotency.optional_key

    def optional_key(request: web.Request, route: str) -> IdempotencyKey | None:
        key = clean(request, route)
        return None if key is None else replace(key, key=key.key[:64])

    idempotency.optional_key = optional_key


DEFECT = Defect(
    title="Keys are cut to 64 characters: two long keys with the same beginning count as one",
    source="known: varchar(64), as MySQL's silent truncation was",
    expected=("idempotency.missing-key",),
    patch=_patch,
)
