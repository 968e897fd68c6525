"""Rules for the answer to any request: pure functions from case and answer to violations."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.media_types import covering
from contracts.conformance.fuzzing.validity import Validity, validity_of
from contracts.conformance.problems import problem_violations
from harness.client import Answer
from harness.client.retry_after import is_retry_after
from harness.untrusted.documents import BadDocument, parse

FORM_REFUSALS = frozenset({400, 415, 422})
"""Statuses for a request that the operation does not accept."""

ALWAYS_POSSIBLE = frozenset({400, 404, 405, 406, 413, 414, 415, 422, 431, 501})
"""Refusals by HTTP or the conventions, which an operation need not document."""

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids that every backend must echo; for others it may choose."""


# Headers that the contract requires, by operation and status.
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

    def violations(self, case: Case, answer: Answer) -> list[str]:
        """Every rule that the answer breaks, as sentences; empty for a correct answer."""
        operation = self.operation_of(case)
        violations = universal_violations(case, answer)
        if operation is None:
            if self._has_this_method(case):
                return violations
            return violations + wrong_method_violations(case, answer)
        if answer.status >= 500:
            return [f"a request must never cause a {answer.status}", *violations]
        if answer.status >= 400:
            return violations + self._refusal_violations(operation, case, answer)
        if answer.status >= 300:
            redirected = [f"it is redirected ({answer.status})"] if _is_plain(case) else []
            return violations + redirected
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

    def _refusal_violations(self, operation: ApiOperation, case: Case, answer: Answer) -> list[str]:
        status, violations = answer.status, []
        documented = status in ALWAYS_POSSIBLE or str(status) in operation.responses
        if not documented:
            violations.append(f"{operation.id} does not document the status {status}")
        if status in (401, 403) and case.token:
            violations.append(f"it is {status} though it has a member's valid token")
        if not is_all_own(operation, case):
            return violations
        if validity_of(self.document, operation, case) is not Validity.VALID:
            return violations
        if status == 404:
            violations.append("it is 404 though every id belongs to the organization")
        elif status in FORM_REFUSALS and not _reuses_key(case, answer):
            violations.append(f"it is refused as {status} though the document allows the request")
        return violations

    def _success_violations(self, operation: ApiOperation, case: Case, answer: Answer) -> list[str]:
        violations = []
        if answer.status not in operation.successes:
            return [f"{operation.id} does not document the status {answer.status}"]
        if not case.token and operation.secured:
            violations.append("it succeeded without a token")
        if validity_of(self.document, operation, case) is Validity.INVALID:
            violations.append("it succeeded though the document does not allow the request")
        if "foreign" in case.ownerships and _names_foreign_thing(operation, case):
            violations.append("it succeeded with an id of another organization")
        return violations + self.success_shape(operation, answer)

    def success_shape(self, operation: ApiOperation, answer: Answer) -> list[str]:
        """What is wrong with the headers, content type or body of a success."""
        violations = [
            f"it has no {name.title()}"
            for name in _REQUIRED_HEADERS.get((operation.id, answer.status), ())
            if not answer.headers.get(name)
        ]
        media = operation.responses[str(answer.status)].get("content") or {}
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        described = covering(media, declared)
        if media and answer.method != "HEAD" and described is None:
            return [*violations, f"its Content-Type {declared or '(none)'} is not documented"]
        schema = (described or {}).get("schema")
        if schema and declared == "application/json":
            violations += self._body_violations(schema, answer)
        return violations

    def _body_violations(self, schema: dict[str, Any], answer: Answer) -> list[str]:
        try:
            body = parse(answer.body, by_value=False)  # the validator takes texts alone
        except BadDocument as error:
            return [f"its body is not JSON ({error})"]
        try:
            return [
                f"its body does not fit the schema at /{'/'.join(map(str, error.instance_path))}: "
                f"{error.message:.200}"
                for error in islice(self.document.validators.answer(schema).iter_errors(body), 2)
            ]
        except ValueError as error:  # nested deeper than the validator goes
            return [f"its body cannot be validated ({error})"]


def universal_violations(case: Case, answer: Answer) -> list[str]:
    """Rules for every answer to every request."""
    violations = []
    if not answer.request_id:
        violations.append("it has no X-Request-ID")
    sent = case.header("x-request-id")
    if sent and VALID_REQUEST_ID.fullmatch(sent) and answer.request_id != sent:
        violations.append(
            f"its X-Request-ID is {answer.request_id!r}, not the client's own {sent!r}"
        )
    if answer.status >= 400 and answer.method != "HEAD":
        violations += problem_violations(answer)
    if answer.status == 401 and not _asks_for_bearer(answer):
        violations.append("it is 401 without WWW-Authenticate: Bearer")
    wait = answer.headers.get("retry-after")
    if wait is not None and not is_retry_after(wait):
        violations.append(f"its Retry-After {wait!r} is neither seconds nor a date")
    if answer.status == 503 and wait is None:
        violations.append("it is 503 without Retry-After")
    if answer.status == 409 and answer.code == "idempotency_key_in_flight" and wait is None:
        violations.append("it is idempotency_key_in_flight without Retry-After")
    return violations


def _asks_for_bearer(answer: Answer) -> bool:
    return answer.headers.get("www-authenticate", "").lower().startswith("bearer")


def wrong_method_violations(case: Case, answer: Answer) -> list[str]:
    """Rules for the answer to a method that the document does not list for the path."""
    if case.method in ("HEAD", "OPTIONS", "CONNECT", "TRACE"):
        return []  # servers and gateways treat these differently
    if answer.status >= 500 and answer.status != 501:
        return [f"a request must never cause a {answer.status}"]
    if answer.status < 400:
        return [f"{case.method} succeeded, but the document does not list it here"]
    if answer.status == 405 and not answer.headers.get("allow"):
        return ["it is 405 without Allow"]
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
