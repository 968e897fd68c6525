"""Where the token of a user comes from, and how it is had again before it runs out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import time

from harness.untrusted.token_expiry import expiry_of

MakeToken = Callable[[str, str, str], Awaitable[str]]
"""Gives a token of a user, of an organization, in a role."""


@dataclass(kw_only=True)
class RenewedToken:
    """The token of one user, which is always valid for a while."""

    make: MakeToken = field(repr=False)
    user: str
    organization: str
    role: str
    renew_before_s: float
    current: str = field(repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def __post_init__(self) -> None:
        self._first = self.current
        self._began, self._ends = time(), expiry_of(self.current)

    def replaces(self, token: str | None) -> bool:
        """Whether this is the token that it began with: a client may have been given another."""
        return token == self._first

    async def fresh(self) -> str:
        """Give the token, another one where it soon runs out. Raises what making one raises."""
        if self._is_due():
            async with self._lock:
                if self._is_due():  # another request may have renewed it meanwhile
                    self.current = await self.make(self.user, self.organization, self.role)
                    self._began, self._ends = time(), expiry_of(self.current)
        return self.current

    def _is_due(self) -> bool:
        if self._ends is None:
            return False
        # One that lasts for less than this is used for half of its life.
        early_s = min(self.renew_before_s, (self._ends - self._began) / 2)
        return time() >= self._ends - early_s
