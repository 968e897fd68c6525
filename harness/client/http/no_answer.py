"""The failure of a request that got no usable answer."""

from harness.errors import CheckFailed, Outcome


class NoAnswer(CheckFailed):
    """A request that got no usable answer: refused, cut, too late, too long.

    `outcome` says whether the request certainly had no effect (`fail`: a refused connection);
    after a timeout or a cut connection it may have done its work (`info`).
    """

    outcome: Outcome = "info"


def no_answer(operation_id: str, expected: str, got: str) -> NoAnswer:
    """Make the failure of a request that got no usable answer."""
    return NoAnswer(
        expected=expected,
        got=got,
        rule="answer.given",
        subject=operation_id,
        aspect="",  # late, cut and refused are one thing to a client
    )
