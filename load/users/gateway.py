"""What users do when a gateway asks them to come back later."""

from harness.client.answers.answer import Answer
from harness.client.http.patience import LEAST_WAIT_S, gateway_wait_s

REFUSED = "a gateway or rate limit did not let it through: "
"""How the history begins to tell it, once a user has waited long enough."""

MAX_WAIT_S = 15.0
"""The longest that one request of a user waits in all."""


def wait_s(answer: Answer, waited_s: float, *, has_gateway: bool) -> float | None:
    """Seconds to wait before it is sent again; None for an answer that is to be judged."""
    asked_s = gateway_wait_s(answer, has_gateway=has_gateway)
    if asked_s is None or waited_s + asked_s > MAX_WAIT_S:
        return None
    return max(asked_s, LEAST_WAIT_S)
