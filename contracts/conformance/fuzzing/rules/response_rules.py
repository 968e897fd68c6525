"""Rules for the answer to any request: pure functions from case and answer to violations."""

from dataclasses import dataclass

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.rules.every_answer import (
    server_error,
    universal_violations,
    wrong_method_violations,
)
from contracts.conformance.fuzzing.rules.names import (
    ACCEPTED,
    FOREIGN,
    REFUSED,
    TOKEN,
    UNDOCUMENTED,
    named,
)
from contracts.conformance.fuzzing.rules.successes import SuccessRules
from contracts.conformance.fuzzing.rules.validity import Validity, validity_of
from harness.client import Answer
from harness.expect import STATUS_WORDS

FORM_REFUSALS = frozenset({400, 415, 422})
"""Statuses for a request that the operation does not accept."""

ALWAYS_POSSIBLE = frozenset({400, 404, 405, 406, 413, 414, 415, 422, 431, 501})
"""Refusals by HTTP or the conventions, which an operation need not document."""


@dataclass(frozen=True, kw_only=True)
class ResponseRules:
    """Checks answers against one document."""

    document: Document

    @property
    def _successes(self) -> SuccessRules:
        return SuccessRules(document=self.document)

    def violations(self, case: Case, answer: Answer) -> list[Breach]:
        """Every rule that the answer breaks; empty for a correct answer.

        One that stands for several refusals is judged by the one that is right, if any is.
        """
        several = (self._violations(case, each) for each in answer.meanings)
        return min(several, key=len)

    def _violations(self, case: Case, answer: Answer) -> list[Breach]:
        operation = self.operation_of(case)
        if operation is not None and answer.status >= 500:
            return [server_error(answer)]  # what its answer lacks follows from it
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
        statuses = {status, self._successes.described(operation, answer).status}
        documented = any(
            each in ALWAYS_POSSIBLE or str(each) in operation.responses for each in statuses
        )
        # A framework's document seldom lists what every operation with a token answers without.
        documented = documented or (status == 401 and operation.secured)
        if not documented:
            violations.append(_undocumented(operation, answer))
        if status in (401, 403) and case.token:
            what = f"it is {status} though it has a member's valid token"
            violations.append(named(ACCEPTED, "a valid token", what))
        if not is_all_own(operation, case):
            return violations
        if validity_of(self.document, operation, case) is not Validity.VALID:
            return violations
        if status == 404:
            what = "it is 404 though every id belongs to the organization"
            violations.append(named(ACCEPTED, "own ids", what))
        elif status in FORM_REFUSALS and not _reuses_key(case, answer):
            what = f"it is refused as {status} though the document allows the request"
            violations.append(named(ACCEPTED, "a request that the document allows", what))
        return violations

    def _success_violations(
        self, operation: ApiOperation, case: Case, answer: Answer
    ) -> list[Breach]:
        if self._successes.described(operation, answer).status not in operation.successes:
            return [_undocumented(operation, answer)]
        violations = self._access_violations(operation, case)
        # The bytes of a redirect are at its address, and judged by other checks.
        return violations + (
            [] if answer.is_redirect else self._successes.violations(operation, answer)
        )

    def _access_violations(self, operation: ApiOperation, case: Case) -> list[Breach]:
        """Why a request should not have succeeded at all."""
        violations = []
        if not case.token and operation.secured:
            violations.append(named(TOKEN, "success", "it succeeded without a token"))
        if validity_of(self.document, operation, case) is Validity.INVALID:
            what = "it succeeded though the document does not allow the request"
            violations.append(named(REFUSED, "success", what))
        if "foreign" in case.ownerships and _names_foreign_thing(operation, case):
            what = "it succeeded with an id of another organization"
            violations.append(named(FOREIGN, "success", what))
        return violations


def _not_judged(answer: Answer) -> list[Breach]:
    answer.followed()  # raises `Inconclusive`, with what to write into the target file
    return []


def _undocumented(operation: ApiOperation, answer: Answer) -> Breach:
    what = f"{operation.id} does not document the status {answer.status}"
    return named(UNDOCUMENTED, STATUS_WORDS.get(answer.status, "other"), what)


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
