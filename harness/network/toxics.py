"""What can be done to a connection, with the names, meanings and units of Toxiproxy.

Each works on one direction of every connection of a proxy. Pieces of data go through all of them,
one after the other. A piece keeps the time until which it was delayed, so that two delays add up.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

_MS = 0.001
_US = 0.000_001
_KB = 1000
_SLICE_MS = 100
"""A slow connection gets its data in pieces of so much time."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some bytes on their way."""

    data: bytes
    due: float
    """When they may go on, by the event loop's clock."""


_NOTHING: tuple[Piece, ...] = ()


class Flow(Protocol):
    """One direction of one connection, as toxics see it."""

    random: Random
    passed: dict["Toxic", int]
    """The bytes that each toxic has let through here."""

    @property
    def listens(self) -> bool:
        """Whether the client waits for notifications on this connection."""

    async def wait(self, toxic: "Toxic", seconds: float) -> None:
        """Wait; less if the toxic is removed meanwhile."""

    async def wait_until(self, toxic: "Toxic", moment: float) -> None:
        """Wait until a moment of the event loop's clock; less if the toxic is removed."""

    def close(self) -> None:
        """Close the connection in good order, on both sides."""

    def reset(self) -> None:
        """Close the connection by RST, on both sides."""


@dataclass(frozen=True, kw_only=True)
class Toxic:
    """Does nothing, until a subclass says what."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:  # noqa: ARG002
        """Give what becomes of a piece."""
        yield piece

    async def beside(self, flow: Flow) -> None:
        """Run beside a connection, from the moment when both are there."""

    async def before_close(self, flow: Flow) -> None:
        """Run before the receiver gets to know that the sender has closed."""

    def removed(self, flow: Flow) -> None:
        """Do what an open connection needs once it is free of this."""


@dataclass(frozen=True, kw_only=True)
class Latency(Toxic):
    """Delays all data."""

    latency: float
    """Milliseconds."""
    jitter: float = 0
    """Milliseconds more or less, at random."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Hold it back until it is due."""
        delay = self.latency + flow.random.uniform(-self.jitter, self.jitter)
        due = piece.due + max(0.0, delay) * _MS
        await flow.wait_until(self, due)
        yield replace(piece, due=due)


@dataclass(frozen=True, kw_only=True)
class LatencyOfAnswers(Latency):
    """Delays all data but that of connections on which a client waits for notifications.

    Not one of Toxiproxy's.
    """

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Hold it back until it is due, unless it may be a notification."""
        if flow.listens:
            yield piece
            return
        async for each in super().carry(piece, flow):
            yield each


@dataclass(frozen=True, kw_only=True)
class Bandwidth(Toxic):
    """Lets so much data through."""

    rate: float
    """Kilobytes (1000 bytes) a second."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Give as much as goes through in a moment, moment by moment."""
        at_once = max(1, int(self.rate * _KB * _SLICE_MS * _MS))
        for start in range(0, len(piece.data), at_once):
            data = piece.data[start : start + at_once]
            await flow.wait(self, len(data) / (self.rate * _KB))
            yield replace(piece, data=data)


@dataclass(frozen=True, kw_only=True)
class SlowClose(Toxic):
    """Delays the closing of connections."""

    delay: float
    """Milliseconds."""

    async def before_close(self, flow: Flow) -> None:
        """Keep the receiver waiting."""
        await flow.wait(self, self.delay * _MS)


@dataclass(frozen=True, kw_only=True)
class Timeout(Toxic):
    """Stops all data, and closes the connection in the end."""

    timeout: float = 0
    """Milliseconds until it is closed; 0: not before this is removed."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Drop it."""
        flow.passed[self] = flow.passed.get(self, 0) + len(piece.data)
        for nothing in _NOTHING:
            yield nothing

    async def beside(self, flow: Flow) -> None:
        """Close it when the time is over."""
        if self.timeout:
            await flow.wait(self, self.timeout * _MS)
            flow.close()

    def removed(self, flow: Flow) -> None:
        """Close what has lost data: the rest would make no sense to its receiver."""
        if flow.passed.get(self):
            flow.close()


@dataclass(frozen=True, kw_only=True)
class Slicer(Toxic):
    """Cuts data into small pieces."""

    average_size: int
    """Bytes."""
    size_variation: int = 0
    """Bytes more or less, at random; less than the average."""
    delay: float = 0
    """Microseconds between two pieces."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Give it slice by slice."""
        rest = piece.data
        while rest:
            vary = flow.random.randint(-self.size_variation, self.size_variation)
            size = max(1, self.average_size + vary)
            data, rest = rest[:size], rest[size:]
            yield replace(piece, data=data)
            if rest:
                await flow.wait(self, self.delay * _US)


@dataclass(frozen=True, kw_only=True)
class LimitData(Toxic):
    """Closes a connection when so much has gone through."""

    bytes: int

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:
        """Give what is left of the limit, then close."""
        already = flow.passed.get(self, 0)
        data = piece.data[: max(0, self.bytes - already)]
        flow.passed[self] = already + len(data)
        if data:
            yield replace(piece, data=data)
        if flow.passed[self] >= self.bytes:
            flow.close()


@dataclass(frozen=True, kw_only=True)
class ResetPeer(Toxic):
    """Resets connections by RST."""

    timeout: float = 0
    """Milliseconds until then; no data gets through meanwhile."""

    async def carry(self, piece: Piece, flow: Flow) -> AsyncIterator[Piece]:  # noqa: ARG002
        """Drop it."""
        for nothing in _NOTHING:
            yield nothing

    async def beside(self, flow: Flow) -> None:
        """Reset it when the time is over."""
        await flow.wait(self, self.timeout * _MS)
        flow.reset()
