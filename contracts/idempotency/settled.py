"""Asking again after a 409, for as long as a request may rightly be in flight."""

import asyncio
import time

from contracts.shared.requests.keyed_requests import KeyedRequest
from harness.client import Answer, Client
from harness.errors import CheckFailed

SETTLED_WITHIN_S = 10.0
"""How long a key may stay in flight after the request that held it has ended, however it ended."""

PAUSE_S = 0.05


async def settled(
    client: Client, request: KeyedRequest, key: str, *, instance: int | None = None
) -> Answer:
    """Send a request until its answer is not that its key is in flight.

    Fails the check when that goes on although nobody is at work under the key any more.
    """
    until = time.monotonic() + SETTLED_WITHIN_S
    while True:
        answer = await request.send(client, key, instance=instance)
        if answer.status != 409:
            return answer
        if time.monotonic() > until:
            raise CheckFailed(
                expected=f"the key of {request.what} that has ended, or was cut off, to be in "
                f"flight no more within {SETTLED_WITHIN_S:g} s",
                got=answer.describe(),
            )
        await asyncio.sleep(PAUSE_S)
