"""Rules for every answer to every request: pure functions from case and answer to violations."""

import re

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.rules.names import (
    METHOD,
    REQUEST_ID,
    RETRY,
    SERVER_ERROR,
    named,
)
from contracts.conformance.problems import problem_violations
from harness.client import Answer
from harness.untrusted.retry_after import is_retry_after

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids that every backend must echo; for others it may choose."""


def server_error(answer: Answer) -> Breach:
    """The breach of an answer with a status of 500 or more."""
    return named(SERVER_ERROR, "", f"a request must never cause a {answer.status}")


def universal_violations(case: Case, answer: Answer) -> list[Breach]:
    """Rules for every answer to every request."""
    violations = []
    if not answer.request_id and not answer.lacks_header("x-request-id"):
        violations.append(named(REQUEST_ID, "missing", "it has no X-Request-ID"))
    sent = case.header("x-request-id")
    if sent and VALID_REQUEST_ID.fullmatch(sent) and answer.request_id != sent:
        what = f"its X-Request-ID is {answer.request_id!r}, not the client's own {sent!r}"
        violations.append(named(REQUEST_ID, "the client's own", what))
    if answer.status >= 400 and answer.method != "HEAD":
        violations += problem_violations(answer)
    if answer.status == 401 and not _asks_for_bearer(answer):
        what = "it is 401 without WWW-Authenticate: Bearer"
        violations.append(named("header.www-authenticate", "", what))
    wait = answer.headers.get("retry-after")
    if wait is not None and not is_retry_after(wait):
        what = f"its Retry-After {wait!r} is neither seconds nor a date"
        violations.append(named(RETRY, "form", what))
    if wait is None and answer.lacks_header("retry-after"):
        return violations
    if answer.status == 503 and wait is None:
        violations.append(named(RETRY, "SERVICE_UNAVAILABLE", "it is 503 without Retry-After"))
    if answer.status == 409 and answer.code == "idempotency_key_in_flight" and wait is None:
        what = "it is idempotency_key_in_flight without Retry-After"
        violations.append(named(RETRY, "a key in flight", what))
    return violations


def _asks_for_bearer(answer: Answer) -> bool:
    challenge = answer.headers.get("www-authenticate", "")
    return answer.lacks_header("www-authenticate") or challenge.lower().startswith("bearer")


def wrong_method_violations(case: Case, answer: Answer) -> list[Breach]:
    """Rules for the answer to a method that the document does not list for the path."""
    if case.method in ("HEAD", "OPTIONS", "CONNECT", "TRACE"):
        return []  # servers and gateways treat these differently
    if answer.status >= 500 and answer.status != 501:
        return [server_error(answer)]
    if answer.status < 400:
        what = f"{case.method} succeeded, but the document does not list it here"
        return [named(METHOD, "success", what)]
    has_allow = answer.headers.get("allow") or answer.lacks_header("allow")
    if answer.status == 405 and not has_allow:
        return [named(METHOD, "Allow", "it is 405 without Allow")]
    return []
