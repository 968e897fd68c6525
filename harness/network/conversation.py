"""What a proxy reads of a connection's contents while it passes on."""

from typing import NamedTuple, Protocol


class Passed(NamedTuple):
    """What becomes of data."""

    data: bytes
    """What goes on, now."""
    is_cut: bool = False
    """Whether the connection is to be reset after it."""
    back: bytes = b""
    """What goes to the side that sent it."""


class Conversation(Protocol):
    """Reads both directions of one connection. Does no I/O, and never raises for what is sent."""

    listens: bool
    """Whether its client waits for notifications on it."""

    def from_client(self, data: bytes) -> Passed:
        """Take what the client sends."""

    def from_server(self, data: bytes) -> Passed:
        """Take what the server sends."""

    def ended(self) -> None:
        """Learn that the connection is over."""


class Unread:
    """Passes everything on."""

    listens = False

    def from_client(self, data: bytes) -> Passed:
        """Pass it on."""
        return Passed(data)

    from_server = from_client

    def ended(self) -> None:
        """Nothing is known of it."""
