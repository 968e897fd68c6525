"""The body of a request: whole, in pieces, or with something done between its halves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """A body of which the second half is sent when something else has been done."""

    content: bytes = field(repr=False)
    meanwhile: Callable[[], Awaitable[None]]

    async def pieces(self) -> AsyncIterator[bytes]:
        """The halves, one after the other."""
        middle = len(self.content) // 2
        yield self.content[:middle]
        await self.meanwhile()
        yield self.content[middle:]


Body = bytes | AsyncIterator[bytes] | Interrupted | None
