"""Downloads of users that are redirected: what is asked at the address, and what is wrong."""

from harness.client.answers.answer import Answer
from harness.client.http.redirects import address_in, at_the_address, undeclared_host
from harness.errors import CheckFailed
from harness.target.contract.redirects import Redirects

NOT_FOLLOWED = "a redirect was not followed: "
"""How the history begins to tell of one that the target file does not declare."""

LED_NOWHERE = "a redirect did not lead to the bytes: "
"""How it begins to tell of one that is wrong."""


class WrongRedirect(Exception):
    """A redirect that cannot be followed, or leads to no bytes; the message says why."""


def address_of(redirects: Redirects | None, answer: Answer, base_url: str) -> str:
    """Give the address to which a declared redirect leads. Raises `WrongRedirect`."""
    assert redirects is not None  # else it would not be a declared one
    try:
        address = address_in(answer.sent, base_url)
    except CheckFailed as wrong:
        raise WrongRedirect(f"{LED_NOWHERE}{wrong.got}") from None
    if reason := undeclared_host(redirects, answer.operation_id, address):
        raise WrongRedirect(NOT_FOLLOWED + reason)
    return address


def bytes_at(answer: Answer, last: Answer) -> Answer:
    """Give the answer to a redirected download. Raises `WrongRedirect`."""
    try:
        return at_the_address(answer.sent, last, has_range=False)
    except CheckFailed as wrong:
        raise WrongRedirect(f"{LED_NOWHERE}{wrong.got}") from None
