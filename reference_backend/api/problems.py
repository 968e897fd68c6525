"""Errors as RFC 9457 problem details: one table of codes, one exception, one way to answer.

A handler raises `Problem("code", "what to tell the client")`; everything else about the answer
follows from the code. Codes are the stable machine names of the contract.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class ProblemKind:
    """What is the same for every problem of one code."""

    status: int
    title: str
    retryable: bool = False
    """The very same request may succeed later."""
    retry_after_s: int | None = None


KINDS: Mapping[str, ProblemKind] = {
    "invalid_request": ProblemKind(status=400, title="The request is not what this route takes"),
    "idempotency_key_missing": ProblemKind(status=400, title="An Idempotency-Key is required"),
    "idempotency_key_invalid": ProblemKind(status=400, title="The Idempotency-Key is malformed"),
    "malformed_multipart": ProblemKind(status=400, title="The body is not well-formed multipart"),
    "file_missing": ProblemKind(status=400, title="The form has no file"),
    "file_empty": ProblemKind(status=400, title="The file is empty"),
    "invalid_token": ProblemKind(status=401, title="A valid bearer token is required"),
    "no_organization": ProblemKind(status=403, title="The token belongs to no organization"),
    "forbidden": ProblemKind(status=403, title="The token may not do this"),
    "not_found": ProblemKind(status=404, title="There is no such thing"),
    "method_not_allowed": ProblemKind(status=405, title="This path does not take this method"),
    "idempotency_key_in_flight": ProblemKind(
        status=409,
        title="A request with this Idempotency-Key is in flight",
        retryable=True,
        retry_after_s=1,
    ),
    "export_not_ready": ProblemKind(status=409, title="The export is not ready"),
    "export_not_cancelable": ProblemKind(status=409, title="The export can no longer be canceled"),
    "export_not_retryable": ProblemKind(status=409, title="Only a failed export can be retried"),
    "too_large": ProblemKind(status=413, title="The body is too large"),
    "unsupported_type": ProblemKind(status=415, title="This media type is not accepted here"),
    "range_not_satisfiable": ProblemKind(status=416, title="The range begins after the end"),
    "content_mismatch": ProblemKind(status=422, title="The content is not what it declares to be"),
    "idempotency_key_reused": ProblemKind(
        status=422, title="This Idempotency-Key belongs to another request"
    ),
    "internal_error": ProblemKind(status=500, title="Something went wrong on our side"),
    "database_unavailable": ProblemKind(
        status=503, title="The database is unavailable", retryable=True, retry_after_s=1
    ),
    "storage_unavailable": ProblemKind(
        status=503, title="The storage is unavailable", retryable=True, retry_after_s=1
    ),
    "claim_unavailable": ProblemKind(
        status=503, title="Exports cannot be claimed", retryable=True, retry_after_s=1
    ),
}


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one field, parameter or header of the request."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):
    """The request ends here, with this answer.

    `close` also ends the connection: for refusals that leave a body unread.
    """

    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: int | None = None
    close: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def invalid(field_name: str, message: str) -> Problem:
    """A 400 about one field."""
    return Problem(
        "invalid_request",
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
        "retryable": kind.retryable or retry_after_s is not None,
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
