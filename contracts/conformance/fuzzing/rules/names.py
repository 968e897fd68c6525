"""The rules that every answer is judged by, and what their cells are called."""

from contracts.conformance.breach import Breach

SERVER_ERROR, UNDOCUMENTED = "answer.no-server-error", "answer.documented-status"
ACCEPTED, REFUSED = "request.allowed-accepted", "request.not-allowed-refused"
FOREIGN, TOKEN = "tenancy.foreign-looks-unknown", "token.required"
METHOD, REQUEST_ID, RETRY = "method.refused", "header.request-id", "header.retry-after"

SENTENCES: dict[str, str] = {
    SERVER_ERROR: "no server error",
    "answer.given": "an answer",
    UNDOCUMENTED: "a documented status",
    ACCEPTED: "what is allowed is accepted",
    REFUSED: "what is not allowed is refused",
    FOREIGN: "foreign ids",
    TOKEN: "requests without a token",
    METHOD: "other methods",
    "answer.json": "JSON",
    "answer.fields": "fields",
    "answer.schema": "values of fields",
    "answer.times": "times",
    "header.content-type": "Content-Type",
    "header.location": "Location",
    RETRY: "Retry-After",
    REQUEST_ID: "X-Request-ID",
    "header.www-authenticate": "WWW-Authenticate",
    "download.digest": "Repr-Digest",
    "download.headers": "headers of downloads",
    "problem.form": "form of errors",
    "problem.no-internals": "internals in errors",
}
"""What every answer of an operation is judged by: rules, and what their cells are called."""


def named(rule: str, about: str, what: str) -> Breach:
    """A rule that was broken, about what, and in which way."""
    return Breach(rule=rule, about=about, what=what)
