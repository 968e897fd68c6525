"""Saying what a check expects, so that its failure reads like a sentence of the contract."""

from typing import Protocol, TypeVar

from harness.errors import CheckFailed
from harness.renamed import accepts_old_keywords


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


AnswerT = TypeVar("AnswerT", bound=HasStatus)


@accepts_old_keywords(came="got")
def expect(condition: object, *, expected: str, got: str, detail: str = "") -> None:
    """Fail the check unless `condition` holds.

    `expected` says what the contract demands, `got` what was seen instead.
    """
    if not condition:
        raise CheckFailed(expected=expected, got=got, detail=detail)


@accepts_old_keywords(came="got")
def expect_equal(got: object, expected: object, what: str, *, detail: str = "") -> None:
    """Fail the check unless two values are equal; `what` names the value."""
    if got != expected:
        raise CheckFailed(expected=f"{what}: {_shown(expected)}", got=_shown(got), detail=detail)


def expect_status(answer: AnswerT, *statuses: int, detail: str = "") -> AnswerT:
    """Fail the check unless the answer has one of these statuses; give the answer back."""
    if answer.status not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise CheckFailed(
            expected=f"{wanted} from {answer.operation_id}", got=answer.describe(), detail=detail
        )
    return answer


def _shown(value: object, limit: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
