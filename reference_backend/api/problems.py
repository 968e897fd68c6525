"""Errors as RFC 9457 problem details: one table of codes, one exception, one way to answer.

A handler raises `Problem("code", "detail for the client")`; the rest of the answer follows from
the code. Codes are the stable names of the contract.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class ProblemKind:
    """What is the same for every problem of one code."""

    status: int
    title: str
    retry_after_s: int | None = None
    """Set if the same request may succeed later."""


KINDS: Mapping[str, ProblemKind] = {
    "invalid_request": ProblemKind(400, "The request does not match the API"),
    "idempotency_key_missing": ProblemKind(400, "An Idempotency-Key is required"),
    "idempotency_key_invalid": ProblemKind(400, "The Idempotency-Key is malformed"),
    "malformed_multipart": ProblemKind(400, "The body is not well-formed multipart"),
    "file_missing": ProblemKind(400, "The form has no file"),
    "file_empty": ProblemKind(400, "The file is empty"),
    "invalid_token": ProblemKind(401, "A valid bearer token is required"),
    "no_organization": ProblemKind(403, "The token belongs to no organization"),
    "forbidden": ProblemKind(403, "The token does not allow this"),
    "not_found": ProblemKind(404, "Not found"),
    "method_not_allowed": ProblemKind(405, "This path does not allow this method"),
    "idempotency_key_in_flight": ProblemKind(
        409, "A request with this Idempotency-Key is in progress", retry_after_s=1
    ),
    "export_not_ready": ProblemKind(409, "The export is not ready"),
    "export_not_cancelable": ProblemKind(409, "The export can no longer be canceled"),
    "export_not_retryable": ProblemKind(409, "Only a failed export can be retried"),
    "too_large": ProblemKind(413, "The body is too large"),
    "unsupported_type": ProblemKind(415, "This media type is not accepted here"),
    "range_not_satisfiable": ProblemKind(416, "The range begins after the end"),
    "content_mismatch": ProblemKind(422, "The content does not match its declared type"),
    "idempotency_key_reused": ProblemKind(422, "This Idempotency-Key belongs to another request"),
    "internal_error": ProblemKind(500, "Internal error"),
    "database_unavailable": ProblemKind(503, "The database is unavailable", retry_after_s=1),
    "storage_unavailable": ProblemKind(503, "The storage is unavailable", retry_after_s=1),
    "claim_unavailable": ProblemKind(503, "Exports cannot be claimed", retry_after_s=1),
}


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one field, parameter or header of the request."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):
    """Ends the request with this answer.

    `close` also closes the connection: for refusals that leave a body unread.
    """

    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: int | None = None
    close: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def invalid(field_name: str, message: str, *, code: str = "invalid_request") -> Problem:
    """A 400 about one field, parameter or header."""
    return Problem(
        code,
        f"{field_name}: {message}",
        errors=(FieldError(field=field_name, message=message),),
    )


def answer(problem: Problem, *, instance: str, request_id: str) -> web.Response:
    """The problem as an `application/problem+json` response."""
    kind = KINDS[problem.code]
    retry_after_s = problem.retry_after_s or kind.retry_after_s
    body: dict[str, object] = {
        "type": f"urn:problem:{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
        "request_id": request_id,
        "retryable": retry_after_s is not None,
    }
    if problem.errors:
        body["errors"] = [{"field": e.field, "message": e.message} for e in problem.errors]
    response = web.Response(
        status=kind.status,
        body=json.dumps(body).encode(),
        content_type="application/problem+json",
        headers=dict(problem.headers),
    )
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    if problem.close:
        response.force_close()
    return response
