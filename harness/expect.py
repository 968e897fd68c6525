"""Saying what a check expects, so that its failure reads like a sentence of the contract."""

from typing import Protocol, TypeVar

from harness.errors import CheckFailed


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


def expect(condition: object, *, expected: str, came: str, detail: str = "") -> None:
    """Fail the check unless `condition` holds: what the contract says, and what came."""
    if not condition:
        raise CheckFailed(expected=expected, came=came, detail=detail)


def expect_equal(came: object, expected: object, what: str, *, detail: str = "") -> None:
    """Fail the check unless two values are equal; `what` names the value."""
    if came != expected:
        raise CheckFailed(
            expected=f"{what} to be {_shown(expected)}", came=_shown(came), detail=detail
        )


def expect_status(answer: AnswerT, *statuses: int, detail: str = "") -> AnswerT:
    """Fail the check unless the answer has one of these statuses; give the answer back."""
    if answer.status not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise CheckFailed(
            expected=f"{wanted} from {answer.operation_id}", came=answer.describe(), detail=detail
        )
    return answer


def _shown(value: object, limit: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
