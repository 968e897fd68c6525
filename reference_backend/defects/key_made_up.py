"""Clients often forgot the key, so the server generates one."""

from uuid import uuid4

from aiohttp import web

from reference_backend.api import idempotency
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


def _patch() -> None:
    def required_key(request: web.Request, route: str) -> IdempotencyKey:
        key = idempotency.optional_key(request, route) if _sent(request) else None
        return key or IdempotencyKey(route=route, key=str(uuid4()))

    idempotency.required_key = required_key


def _sent(request: web.Request) -> bool:
    return bool(request.headers.get("Idempotency-Key"))


DEFECT = Defect(
    title="An upload without an Idempotency-Key gets a random one: repeating it makes a second upload",
    source="known: `header or uuid4()`",
    expected=("idempotency.missing-key",),
    patch=_patch,
)
