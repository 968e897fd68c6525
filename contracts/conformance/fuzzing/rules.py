"""What holds for the answer to any request: pure functions from case and answer to faults."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.validity import Validity, validity_of
from contracts.conformance.problems import problem_violations
from harness.client import Answer
from harness.untrusted.documents import BadDocument, parse

FORM_REFUSALS = frozenset({400, 415, 422})
"""What the contract lets a backend say about a body that is not what the route takes."""

ALWAYS_POSSIBLE = frozenset({400, 404, 405, 406, 413, 414, 415, 422, 431, 501})
"""Refusals that need not be listed at an operation: they are the conventions' or HTTP's own."""

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""An id that nobody can find insane; what else a backend echoes is its own choice."""

_RETRY_AFTER = re.compile(r"[0-9]+|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT")

# Headers that the contract itself asks for, by operation and status.
_PROMISED: dict[tuple[str, int], tuple[str, ...]] = {
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
    """Judges answers by one document."""

    document: Document

    def violations(self, case: Case, answer: Answer) -> list[str]:
        """Everything that is wrong with the answer to a case, as sentences; none when right."""
        operation = self.operation_of(case)
        violations = universal_violations(case, answer)
        if operation is None:
            elsewhere = self._is_elsewhere_too(case)
            return violations if elsewhere else violations + wrong_method_violations(case, answer)
        if answer.status >= 500:
            return [f"a request must never cause a {answer.status}", *violations]
        if answer.status >= 400:
            return violations + self._refusal_violations(operation, case, answer)
        if answer.status >= 300:
            return (
                [*violations, f"it is redirected ({answer.status})"]
                if _is_plain(case)
                else violations
            )
        return violations + self._success_violations(operation, case, answer)

    def _is_elsewhere_too(self, case: Case) -> bool:
        """Whether another operation has this path: a dialect may have several at one."""
        way = self.document.operations[case.operation_id].template.partition("?")[0]
        return any(
            one.method == case.method and one.template.partition("?")[0] == way
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
            violations.append(f"it is {status} though the token is a member's and holds")
        if not is_all_own(operation, case):
            return violations
        if validity_of(self.document, operation, case) is not Validity.VALID:
            return violations
        if status == 404:
            violations.append("it is 404 though every id in it is one of the organization's own")
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
            violations.append("it succeeded with the id of another organization's thing")
        return violations + self.success_shape(operation, answer)

    def success_shape(self, operation: ApiOperation, answer: Answer) -> list[str]:
        """What is wrong with the form of a successful answer: headers, content type, body."""
        violations = [
            f"it has no {name.title()}"
            for name in _PROMISED.get((operation.id, answer.status), ())
            if not answer.headers.get(name)
        ]
        media = operation.responses[str(answer.status)].get("content") or {}
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media and answer.method != "HEAD" and declared not in media:
            return [*violations, f"its Content-Type {declared or '(none)'} is not documented"]
        schema = media.get(declared, {}).get("schema")
        if schema and declared == "application/json":
            violations += self._body_violations(schema, answer)
        return violations

    def _body_violations(self, schema: dict[str, Any], answer: Answer) -> list[str]:
        try:
            body = parse(answer.body)
        except BadDocument as error:
            return [f"its body is not JSON ({error})"]
        try:
            return [
                f"its body does not fit the schema at /{'/'.join(map(str, error.instance_path))}: "
                f"{error.message:.200}"
                for error in islice(self.document.answers(schema).iter_errors(body), 2)
            ]
        except ValueError as error:  # nested deeper than the validator goes
            return [f"its body cannot be held against the schema ({error})"]


def universal_violations(case: Case, answer: Answer) -> list[str]:
    """What holds for every answer to every request."""
    violations = []
    if not answer.request_id:
        violations.append("it carries no X-Request-ID")
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
    if wait is not None and not _RETRY_AFTER.fullmatch(wait):
        violations.append(f"its Retry-After {wait!r} is neither seconds nor a date")
    if answer.status == 503 and wait is None:
        violations.append("it is 503 without Retry-After")
    if answer.status == 409 and answer.code == "idempotency_key_in_flight" and wait is None:
        violations.append("a key is in flight, and no Retry-After says when to come back")
    return violations


def _asks_for_bearer(answer: Answer) -> bool:
    return answer.headers.get("www-authenticate", "").lower().startswith("bearer")


def wrong_method_violations(case: Case, answer: Answer) -> list[str]:
    """What is wrong with the answer to a method that the document does not list at the path."""
    if case.method in ("HEAD", "OPTIONS", "CONNECT", "TRACE"):
        return []  # servers and gateways have ways of their own with these
    if answer.status >= 500 and answer.status != 501:
        return [f"a request must never cause a {answer.status}"]
    if answer.status < 400:
        return [f"the document has no {case.method} here, and it succeeded"]
    if answer.status == 405 and not answer.headers.get("allow"):
        return ["it is 405 without Allow"]
    return []


def is_all_own(operation: ApiOperation, case: Case) -> bool:
    """Say whether whatever the case names by id is surely there and the tenant's own."""
    slots = case.target.count("SLOT-own-") + (case.body or b"").count(b"SLOT-own-")
    needed = len(operation.path_ids)
    if "foreign" in case.ownerships or case.target.count("SLOT-own-") < needed:
        return False
    return bool(slots) or (not needed and operation.body is None) or operation.id == "createJob"


def _reuses_key(case: Case, answer: Answer) -> bool:
    return case.header("idempotency-key") is not None and answer.code == "idempotency_key_reused"


def _names_foreign_thing(operation: ApiOperation, case: Case) -> bool:
    """Filtering a list by somebody else's thing is allowed, and finds nothing."""
    return "SLOT-foreign-" in case.target.partition("?")[0] or (
        operation.method != "GET" and b'"export_id":"SLOT-foreign' in _squeezed(case.body)
    )


def _squeezed(body: bytes | None) -> bytes:
    return (body or b"").replace(b'": "', b'":"')


def _is_plain(case: Case) -> bool:
    """Say whether the path is one that no server would tidy up."""
    path = case.target.partition("?")[0]
    return "%" not in path and "//" not in path and not path.endswith(("/", "/.", "/.."))
