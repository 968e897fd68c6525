"""Saying what a check expects, so that its failure reads like a sentence of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Protocol, Self, TypeVar

from harness.errors import CheckFailed, Inconclusive
from harness.evidence import Evidence
from harness.findings.difference import describe_difference
from harness.renamed import accepts_old_keywords

REDIRECT, NO_SUCH_PART = 300, 416

SERVER_ERROR = 500
"""The lowest status by which a server says that it failed."""

STATUS_WORDS = {int(status): status.name for status in HTTPStatus}
"""Names of the statuses, for what stays the same of a finding."""


class HasStatus(Protocol):
    """An answer to one request of the API."""

    @property
    def operation_id(self) -> str:
        """Which operation was asked."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    def describe(self) -> str:
        """Give request and answer in one line, for a message."""

    def meant_as(self, *statuses: int) -> Self:
        """Give the answer in its meaning with one of these statuses, if it has one."""


AnswerT = TypeVar("AnswerT", bound=HasStatus)


@accepts_old_keywords(came="got")
def expect(
    condition: object,
    *,
    expected: str,
    got: str,
    detail: str = "",
    rule: str = "",
    subject: str = "",
    evidence: tuple[Evidence, ...] = (),
) -> None:
    """Fail the check unless `condition` holds.

    `expected` says what the contract demands, `got` what was seen instead. `rule` is the id of the
    contract's sentence (`shakedown explain` lists them), without it the check's own; `subject` is
    what breaks it, such as an operation, without it what the cell says. `evidence` shows it, where
    the last requests, which every finding has, do not.
    """
    if not condition:
        raise CheckFailed(expected, got, detail, rule=rule, subject=subject, evidence=evidence)


@accepts_old_keywords(came="got")
def expect_equal(
    got: object,
    expected: object,
    what: str,
    *,
    detail: str = "",
    rule: str = "",
    subject: str = "",
    evidence: tuple[Evidence, ...] = (),
) -> None:
    """Fail the check unless two values are equal; `what` names the value.

    Of long values the message shows the members that differ.
    """
    if got == expected:
        return
    wanted, shown = describe_difference(expected, got)
    begin = "\n" if "\n" in wanted else " "
    raise CheckFailed(
        expected=f"{what}:{begin}{wanted}",
        got=shown,
        detail=detail,
        rule=rule,
        subject=subject,
        aspect=what,
        evidence=evidence,
    )


@contextmanager
def showing(*evidence: Evidence) -> Iterator[None]:
    """Give what fails inside this evidence: what was done before it, such as a changed row."""
    try:
        yield
    except CheckFailed as failure:
        failure.evidence = (*evidence, *failure.evidence)
        raise


def expect_status(
    answer: AnswerT, *statuses: int, detail: str = "", rule: str = "", subject: str = ""
) -> AnswerT:
    """Fail the check unless the answer has one of these statuses; give it back, as meant so.

    A 5xx that is not among them breaks the rule `answer.no-server-error`, whatever the check.
    `Inconclusive` where bytes are expected, and a redirect to them could not be followed.
    """
    meant = answer.meant_as(*statuses)
    if meant.status in statuses:
        return meant
    unfollowed: str = getattr(answer, "unfollowed", "")
    if unfollowed and any(each < REDIRECT or each == NO_SUCH_PART for each in statuses):
        raise Inconclusive(unfollowed)
    wanted = " or ".join(map(str, statuses))
    if answer.status >= SERVER_ERROR:
        rule = "answer.no-server-error"
    names = "/".join(STATUS_WORDS.get(each, "other") for each in statuses)
    raise CheckFailed(
        expected=f"{wanted} from {answer.operation_id}",
        got=answer.describe(),
        detail=detail,
        rule=rule,
        subject=subject or answer.operation_id,
        # The statuses are the contract's words, unlike other numbers.
        aspect=f"status {names}",
    )
