"""The requests in progress, so that stopping can wait for them.

aiohttp's own shutdown stops reading from its connections first: an upload whose body is still being
received would never end. So the drain waits first and shuts aiohttp down when no request is left.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class RequestsInFlight:
    """How many there are, and whether the process drains."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self.draining = False
        """Answers close their connections: the next request goes to another instance."""

    @contextmanager
    def track(self) -> Iterator[None]:
        """Count a request during the block."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def drain(self, grace_s: float) -> None:
        """Wait until there are none, at most for the grace time."""
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._none.wait()
