"""Obeying a gateway or a rate limit that asks to come back later, within a bound."""

import asyncio
import time
from http import HTTPStatus

from harness.client.answers.answer import Answer
from harness.errors import Inconclusive
from harness.untrusted.retry_after import asked_wait_s

MAX_WAIT_S = 20.0
"""The longest that all requests of a process wait together, those at the same time counted once."""

LEAST_WAIT_S = 0.2
"""Between two tries, also where no time at all is asked for."""


class Patience:
    """Waits for a gateway on behalf of all requests of a transport."""

    def __init__(self, *, has_gateway: bool) -> None:
        self._has_gateway = has_gateway
        self._left_s = MAX_WAIT_S
        self._waiting_until = 0.0

    async def waits(self, answer: Answer, *, may_repeat: bool = True) -> bool:
        """Whether the request is to be sent again; by then it has waited as it was asked.

        False for an answer that is to be judged. Raises `Inconclusive` where it would have to wait
        too long, or where the request cannot be sent twice.
        """
        asked_s = gateway_wait_s(answer, has_gateway=self._has_gateway)
        if asked_s is None:
            return False
        if may_repeat and self._takes(wait_s := max(asked_s, LEAST_WAIT_S)):
            await asyncio.sleep(wait_s)
            return True
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.request_id:
            return False  # the backend's own: what it means is the check's business
        bound = f"a process waits {MAX_WAIT_S:g} s for it in all"
        raise Inconclusive(
            f"a gateway or rate limit lets no more requests through: {answer.describe()}; it asks "
            f"to wait {asked_s:g} s, and {bound if may_repeat else 'this is sent only once'}. "
            "Raise its limit for this run"
        )

    def _takes(self, wait_s: float) -> bool:
        """Whether there is time left for a wait; then it is used up."""
        now = time.monotonic()
        added_s = max(0.0, now + wait_s - max(now, self._waiting_until))
        if added_s > self._left_s:
            return False
        self._left_s -= added_s
        self._waiting_until = max(self._waiting_until, now + wait_s)
        return True


def gateway_wait_s(answer: Answer, *, has_gateway: bool) -> float | None:
    """Seconds that a gateway asks to wait; None for an answer that is to be judged.

    The contract has no 429. A 503 in its form is the backend's own word; another one is that of a
    gateway, where there can be one.
    """
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return asked_wait_s(answer.headers)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and has_gateway and answer.code is None:
        return asked_wait_s(answer.headers)
    return None
