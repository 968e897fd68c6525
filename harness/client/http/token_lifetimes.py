"""When the tokens of a run's users run out: refusing one after that is right."""

from http import HTTPStatus
from time import time

from harness.client.answers.answer import Answer
from harness.errors import Inconclusive
from harness.untrusted.retry_after import http_date
from harness.untrusted.token_expiry import expiry_of, shown_time

WHAT_TO_DO = (
    "give one that lasts longer than the run ([tokens.mint] lifetime_s, or what the identity "
    "provider, the command or the call of the target file gives out)"
)


class TokenLifetimes:
    """The end of every token that should be valid, of every user.

    Tokens that a check makes to be refused are not in it: their refusal is for the check to judge.
    """

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def note(self, token: str) -> None:
        """Keep when a valid token runs out, where it says so itself."""
        if (end := expiry_of(token)) is not None:
            self._ends[token] = end

    def refuse_expired(self, authorization: str) -> None:
        """Raise `Inconclusive` where a request would be sent with a token that has run out."""
        self._expect_valid(authorization, time())

    def judge(self, answer: Answer, authorization: str) -> None:
        """Raise `Inconclusive` where an answer refuses a token that has run out.

        By our clock or by the backend's, as its answer's `Date` shows it.
        """
        if answer.is_a(HTTPStatus.UNAUTHORIZED):
            date = http_date(answer.headers.get("date", ""))
            self._expect_valid(authorization, max(time(), date.timestamp() if date else 0.0))

    def _expect_valid(self, authorization: str, now: float) -> None:
        end = self._ends.get(authorization.rpartition(" ")[2])
        if end is not None and now >= end:
            raise Inconclusive(
                f"the token ran out at {shown_time(end)}, in the middle of the run; {WHAT_TO_DO}"
            )
