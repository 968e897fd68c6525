"""The request fingerprint contains only the top-level names of the filters."""

from aiohttp import web

from reference_backend.api import idempotency
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


class _Flat(IdempotencyKey):
    def of(self, *parts: object) -> IdempotencyKey:
        return super().of(*(sorted(part) if isinstance(part, dict) else part for part in parts))


def _patch() -> None:
    clean = idempotency.optional_key

    def optional_key(request: web.Request, route: str) -> IdempotencyKey | None:
        key = clean(request, route)
        return None if key is None else _Flat(route=key.route, key=key.key)

    idempotency.optional_key = optional_key


DEFECT = Defect(
    title="Export requests under one key are compared by the names of their filters, not by the values",
    source="I4, P7: an allow-list of top-level names",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
