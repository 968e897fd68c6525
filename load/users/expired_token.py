"""A user's token that runs out under load: refusing it is right."""

from harness.client.answers.answer import Answer
from harness.client.http.token_lifetimes import TokenLifetimes
from harness.errors import Inconclusive

RAN_OUT = "a token was refused when its time was over: "
"""How the history begins to tell it."""


def expired_token(answer: Answer, token: str) -> str:
    """Say why an answer that refuses this token is right, and what to do; else nothing."""
    lifetimes = TokenLifetimes()
    lifetimes.note(token)
    try:
        lifetimes.judge(answer, token)
    except Inconclusive as over:
        return over.reason
    return ""
