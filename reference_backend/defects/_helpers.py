"""Changes to the API that several defects make. A module with an underscore is no defect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jwt
from aiohttp import web

from reference_backend import database
from reference_backend.api import auth, middleware, openapi, problems, uploads
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.problems import Problem
from reference_backend.api.upload_form import UploadForm
from reference_backend.manifest import verify
from reference_backend.manifest.verify import ManifestVerdict
from reference_backend.settings import Settings
from reference_backend.storage.directory import StagedObject

Handler = Callable[[web.Request], Awaitable[web.Response]]
Verifier = Callable[..., Awaitable[ManifestVerdict]]


def change_answers(change: Callable[[web.Response], None]) -> None:
    """Change every problem answer."""
    clean = problems.answer

    def answer(problem: Problem, *, instance: str, request_id: str) -> web.Response:
        response = clean(problem, instance=instance, request_id=request_id)
        change(response)
        return response

    problems.answer = answer


def change_problems(change: Callable[[Exception, Problem], Problem]) -> None:
    """Change the problem that an exception of a handler becomes."""
    clean = middleware._problem_of  # noqa: SLF001

    def problem_of(error: Exception, request: web.Request) -> Problem:
        return change(error, clean(error, request))

    middleware._problem_of = problem_of  # noqa: SLF001


def change_claims(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the claims of a verified token."""
    clean = auth._verified_claims  # noqa: SLF001

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        return change(clean(token, secret=secret, audience=audience))

    auth._verified_claims = verified_claims  # noqa: SLF001


def verify_tokens(*, algorithms: tuple[str, ...] = ("HS256",), **options: object) -> None:
    """Verify tokens with other options of PyJWT, and without the checks of our own."""
    chosen: Any = {"require": ["exp", "aud", "sub"], **options}

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, secret, algorithms=algorithms, audience=audience, options=chosen
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise auth._unauthorized("The token is not valid.") from error  # noqa: SLF001
        return claims

    auth._verified_claims = verified_claims  # noqa: SLF001


def change_document(change: Callable[[bytes], bytes]) -> None:
    """Change the OpenAPI document that is served."""
    clean = openapi._document  # noqa: SLF001
    openapi._document = lambda: change(clean())  # type: ignore[assignment]  # noqa: SLF001 - it is cached


def change_uploads(
    change: Callable[[uploads._Upload, IdempotencyKey, StagedObject], uploads._Upload],
) -> None:
    """Change what is known of a received file; the key is the one without a fingerprint."""
    clean = uploads._described  # noqa: SLF001

    def described(
        organization_id: UUID,
        job_id: UUID,
        key: IdempotencyKey,
        form: UploadForm,
        staged: StagedObject,
    ) -> uploads._Upload:
        return change(clean(organization_id, job_id, key, form, staged), key, staged)

    uploads._described = described  # noqa: SLF001


def keep_refusals(handler: Handler) -> Handler:
    """The handler, which answers a key that was refused once with the same refusal again."""
    refused: dict[tuple[UUID, str], Problem] = {}

    async def handle(request: web.Request) -> web.Response:
        name = (request[PRINCIPAL].organization_id, request.headers.get("Idempotency-Key", ""))
        if name in refused:
            raise refused[name]
        try:
            return await handler(request)
        except Problem as problem:
            if name[1]:
                refused[name] = problem
            raise

    return handle


def hold_no_keys() -> None:
    """Let requests with the same key run at the same time."""

    @asynccontextmanager
    async def hold(
        self: KeysInFlight, organization_id: UUID, route: str, key: str
    ) -> AsyncIterator[None]:
        yield

    KeysInFlight.hold = hold  # type: ignore[method-assign]


def keep_session_time_zone() -> None:
    """Leave connections in the time zone that the server gives them."""
    clean = database.connection_info

    def connection_info(settings: Settings, *, role: database.Role | None = None) -> str:
        return clean(settings, role=role).replace("-c timezone=UTC", "")

    database.connection_info = connection_info


def replace_verifier(around: Callable[[Verifier], Verifier]) -> None:
    """Replace the comparison of a manifest; it gets (export, storage, organization, *submitted)."""
    verify.verify = around(verify.verify)  # type: ignore[assignment]
