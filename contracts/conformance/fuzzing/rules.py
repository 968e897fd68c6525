"""Rules for the answer to any request: pure functions from case and answer to violations."""

import re
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.media_types import covering
from contracts.conformance.fuzzing.validity import Validity, validity_of
from contracts.conformance.problems import problem_violations
from harness.client import Answer
from harness.expect import STATUS_WORDS
from harness.untrusted.documents import BadDocument, parse
from harness.untrusted.retry_after import is_retry_after

FORM_REFUSALS = frozenset({400, 415, 422})
"""Statuses for a request that the operation does not accept."""

ALWAYS_POSSIBLE = frozenset({400, 404, 405, 406, 413, 414, 415, 422, 431, 501})
"""Refusals by HTTP or the conventions, which an operation need not document."""

MOST_SCHEMA_ERRORS = 8
"""Fields of one answer that are reported."""

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids that every backend must echo; for others it may choose."""

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

# Headers that the contract requires, by operation and status.
_RULES_OF_HEADERS = {
    "location": "header.location",
    "retry-after": RETRY,
    "repr-digest": "download.digest",
}
_REQUIRED_HEADERS: dict[tuple[str, int], tuple[str, ...]] = {
    ("createJob", 201): ("location",),
    ("uploadEvidence", 201): ("location",),
    ("requestExport", 202): ("location", "retry-after"),
    ("getEvidenceContent", 200): ("repr-digest", "content-disposition", "x-content-type-options"),
    ("getEvidenceContent", 206): ("repr-digest", "content-disposition", "content-range"),
    ("downloadExport", 200): ("repr-digest",),
    ("downloadExport", 206): ("repr-digest", "content-range"),
}


@dataclass(frozen=True, kw_only=True)
class ResponseRules:
    """Checks answers against one document."""

    document: Document

    def violations(self, case: Case, answer: Answer) -> list[Breach]:
        """Every rule that the answer breaks; empty for a correct answer.

        One that stands for several refusals is judged by the one that is right, if any is.
        """
        several = (self._violations(case, each) for each in answer.meanings)
        return min(several, key=len)

    def _violations(self, case: Case, answer: Answer) -> list[Breach]:
        operation = self.operation_of(case)
        if operation is not None and answer.status >= 500:
            return [_server_error(answer)]  # what its answer lacks follows from it
        violations = universal_violations(case, answer)
        if operation is None:
            if self._has_this_method(case):
                return violations
            return violations + wrong_method_violations(case, answer)
        if answer.status >= 400:
            return violations + self._refusal_violations(operation, case, answer)
        if answer.unfollowed:
            # It may lead to the bytes, or anywhere: only who got it can be judged.
            return violations + (self._access_violations(operation, case) or _not_judged(answer))
        if answer.status >= 300:
            return violations + ([_undocumented(operation, answer)] if _is_plain(case) else [])
        return violations + self._success_violations(operation, case, answer)

    def _has_this_method(self, case: Case) -> bool:
        """Whether another operation has this path and method: a dialect may share paths."""
        path = self.document.operations[case.operation_id].template.partition("?")[0]
        return any(
            one.method == case.method and one.template.partition("?")[0] == path
            for one in self.document.operations.values()
        )

    def operation_of(self, case: Case) -> ApiOperation | None:
        """The operation that the case is for; None when it was sent with another method."""
        operation = self.document.operations[case.operation_id]
        return operation if operation.method == case.method else None

    def _refusal_violations(
        self, operation: ApiOperation, case: Case, answer: Answer
    ) -> list[Breach]:
        status, violations = answer.status, []
        statuses = {status, self._described(operation, answer).status}
        documented = any(
            each in ALWAYS_POSSIBLE or str(each) in operation.responses for each in statuses
        )
        # A framework's document seldom lists what every operation with a token answers without.
        documented = documented or (status == 401 and operation.secured)
        if not documented:
            violations.append(_undocumented(operation, answer))
        if status in (401, 403) and case.token:
            what = f"it is {status} though it has a member's valid token"
            violations.append(_named(ACCEPTED, "a valid token", what))
        if not is_all_own(operation, case):
            return violations
        if validity_of(self.document, operation, case) is not Validity.VALID:
            return violations
        if status == 404:
            what = "it is 404 though every id belongs to the organization"
            violations.append(_named(ACCEPTED, "own ids", what))
        elif status in FORM_REFUSALS and not _reuses_key(case, answer):
            what = f"it is refused as {status} though the document allows the request"
            violations.append(_named(ACCEPTED, "a request that the document allows", what))
        return violations

    def _success_violations(
        self, operation: ApiOperation, case: Case, answer: Answer
    ) -> list[Breach]:
        if self._described(operation, answer).status not in operation.successes:
            return [_undocumented(operation, answer)]
        violations = self._access_violations(operation, case)
        # The bytes of a redirect are at its address, and judged by other checks.
        return violations + ([] if answer.is_redirect else self.success_shape(operation, answer))

    def _access_violations(self, operation: ApiOperation, case: Case) -> list[Breach]:
        """Why a request should not have succeeded at all."""
        violations = []
        if not case.token and operation.secured:
            violations.append(_named(TOKEN, "success", "it succeeded without a token"))
        if validity_of(self.document, operation, case) is Validity.INVALID:
            what = "it succeeded though the document does not allow the request"
            violations.append(_named(REFUSED, "success", what))
        if "foreign" in case.ownerships and _names_foreign_thing(operation, case):
            what = "it succeeded with an id of another organization"
            violations.append(_named(FOREIGN, "success", what))
        return violations

    def success_shape(self, operation: ApiOperation, answer: Answer) -> list[Breach]:
        """What is wrong with the headers, content type or body of a success."""
        violations = [
            _named(
                _RULES_OF_HEADERS.get(name, "download.headers"), name, f"it has no {name.title()}"
            )
            for name in _REQUIRED_HEADERS.get((operation.id, answer.status), ())
            if not answer.headers.get(name) and not answer.lacks_header(name)
        ]
        status = self._described(operation, answer).status
        media = operation.responses[str(status)].get("content") or {}
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        described = covering(media, declared)
        if media and answer.method != "HEAD" and described is None:
            what = f"its Content-Type {declared or '(none)'} is not documented"
            return [*violations, _named("header.content-type", "success", what)]
        schema = (described or {}).get("schema")
        if schema and declared == "application/json":
            violations += self._body_violations(schema, answer)
        return violations

    def _described(self, operation: ApiOperation, answer: Answer) -> Answer:
        """The answer that the document speaks of: a backend's own describes what it sends."""
        is_own = self.document.is_own and str(answer.sent.status) in operation.responses
        return answer.sent if is_own else answer

    def _body_violations(self, schema: dict[str, Any], answer: Answer) -> list[Breach]:
        """What does not fit the schema; a backend's own may be written in either's words."""
        if self.document.is_own and answer.as_sent is not None:
            both = [self._misfits(schema, each) for each in (answer.sent, answer)]
            return min(both, key=len)
        return self._misfits(schema, answer)

    def _misfits(self, schema: dict[str, Any], answer: Answer) -> list[Breach]:
        try:
            body = parse(answer.body, by_value=False)  # the validator takes texts alone
        except BadDocument as error:
            return [_named("answer.json", "", f"its body is not JSON ({error})")]
        try:
            errors = islice(
                self.document.validators.answer(schema).iter_errors(body), MOST_SCHEMA_ERRORS
            )
            return [schema_breach(error) for error in errors]
        except ValueError as error:  # nested deeper than the validator goes
            return [_named("answer.schema", "depth", f"its body cannot be validated ({error})")]


def schema_breach(error: Any) -> Breach:  # noqa: ANN401 - jsonschema_rs.ValidationError
    """Say which field does not fit the schema, in the schema's words, and how."""
    path = [str(each) for each in error.evaluation_path]
    names = [name for place, name in pairwise(path) if place == "properties"]
    missing = str(getattr(error.kind, "property", "")) if path[-1:] == ["required"] else ""
    names = [*names, missing] if missing else names
    keyword = path[-1] if path else ""
    is_time = bool(names) and names[-1].endswith("_at") and keyword in ("format", "pattern")
    rule = "answer.fields" if missing else "answer.times" if is_time else "answer.schema"
    place = f"/{'/'.join(map(str, error.instance_path))}"
    return Breach(
        rule=rule,
        about=keyword,
        field=".".join(names[1:] if names[:1] == ["data"] and len(names) > 1 else names),
        what=f"its body does not fit the schema at {place}: {error.message:.200}",
    )


def _named(rule: str, about: str, what: str) -> Breach:
    return Breach(rule=rule, about=about, what=what)


def _server_error(answer: Answer) -> Breach:
    return _named(SERVER_ERROR, "", f"a request must never cause a {answer.status}")


def _not_judged(answer: Answer) -> list[Breach]:
    answer.followed()  # raises `Inconclusive`, with what to write into the target file
    return []


def _undocumented(operation: ApiOperation, answer: Answer) -> Breach:
    what = f"{operation.id} does not document the status {answer.status}"
    return _named(UNDOCUMENTED, STATUS_WORDS.get(answer.status, "other"), what)


def universal_violations(case: Case, answer: Answer) -> list[Breach]:
    """Rules for every answer to every request."""
    violations = []
    if not answer.request_id and not answer.lacks_header("x-request-id"):
        violations.append(_named(REQUEST_ID, "missing", "it has no X-Request-ID"))
    sent = case.header("x-request-id")
    if sent and VALID_REQUEST_ID.fullmatch(sent) and answer.request_id != sent:
        what = f"its X-Request-ID is {answer.request_id!r}, not the client's own {sent!r}"
        violations.append(_named(REQUEST_ID, "the client's own", what))
    if answer.status >= 400 and answer.method != "HEAD":
        violations += problem_violations(answer)
    if answer.status == 401 and not _asks_for_bearer(answer):
        what = "it is 401 without WWW-Authenticate: Bearer"
        violations.append(_named("header.www-authenticate", "", what))
    wait = answer.headers.get("retry-after")
    if wait is not None and not is_retry_after(wait):
        what = f"its Retry-After {wait!r} is neither seconds nor a date"
        violations.append(_named(RETRY, "form", what))
    if wait is None and answer.lacks_header("retry-after"):
        return violations
    if answer.status == 503 and wait is None:
        violations.append(_named(RETRY, "SERVICE_UNAVAILABLE", "it is 503 without Retry-After"))
    if answer.status == 409 and answer.code == "idempotency_key_in_flight" and wait is None:
        what = "it is idempotency_key_in_flight without Retry-After"
        violations.append(_named(RETRY, "a key in flight", what))
    return violations


def _asks_for_bearer(answer: Answer) -> bool:
    challenge = answer.headers.get("www-authenticate", "")
    return answer.lacks_header("www-authenticate") or challenge.lower().startswith("bearer")


def wrong_method_violations(case: Case, answer: Answer) -> list[Breach]:
    """Rules for the answer to a method that the document does not list for the path."""
    if case.method in ("HEAD", "OPTIONS", "CONNECT", "TRACE"):
        return []  # servers and gateways treat these differently
    if answer.status >= 500 and answer.status != 501:
        return [_server_error(answer)]
    if answer.status < 400:
        what = f"{case.method} succeeded, but the document does not list it here"
        return [_named(METHOD, "success", what)]
    has_allow = answer.headers.get("allow") or answer.lacks_header("allow")
    if answer.status == 405 and not has_allow:
        return [_named(METHOD, "Allow", "it is 405 without Allow")]
    return []


def is_all_own(operation: ApiOperation, case: Case) -> bool:
    """Whether every id in the case certainly exists and belongs to the tenant."""
    slots = case.target.count("SLOT-own-") + (case.body or b"").count(b"SLOT-own-")
    needed = len(operation.path_ids)
    if "foreign" in case.ownerships or case.target.count("SLOT-own-") < needed:
        return False
    return bool(slots) or (not needed and operation.body is None) or operation.id == "createJob"


def _reuses_key(case: Case, answer: Answer) -> bool:
    return case.header("idempotency-key") is not None and answer.code == "idempotency_key_reused"


def _names_foreign_thing(operation: ApiOperation, case: Case) -> bool:
    """Whether it names a foreign id other than as a filter of a list, which finds nothing."""
    return "SLOT-foreign-" in case.target.partition("?")[0] or (
        operation.method != "GET" and b'"export_id":"SLOT-foreign' in _without_spaces(case.body)
    )


def _without_spaces(body: bytes | None) -> bytes:
    return (body or b"").replace(b'": "', b'":"')


def _is_plain(case: Case) -> bool:
    """Whether no server would normalize the path."""
    path = case.target.partition("?")[0]
    return "%" not in path and "//" not in path and not path.endswith(("/", "/.", "/.."))
