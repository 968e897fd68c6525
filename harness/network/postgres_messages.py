"""PostgreSQL's protocol 3, as far as a proxy must read it: messages, cut out of a stream.

The messages are those of the chapter "Message Formats" of its manual.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
"""Codes of requests that a connection may send before or instead of a startup message."""

ANSWERED_BY_READY = frozenset(b"QSF")
"""Messages of a client that the server answers with ReadyForQuery: Query, Sync, FunctionCall."""

_INT = struct.Struct("!i")
_HEAD = 5
_START_HEAD = 8
_LONGEST_START = 10_000


class Message(NamedTuple):
    """One message: its type, and all its bytes."""

    kind: int
    data: bytes

    @property
    def body(self) -> bytes:
        """What follows its type and length."""
        return self.data[_HEAD:]


class Messages:
    """Cuts one direction of a connection into messages, however its bytes arrive."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes; give the messages that are whole now. Raises `ValueError` for nonsense."""
        self._rest += data
        while len(self._rest) >= _HEAD:
            (length,) = _INT.unpack_from(self._rest, 1)
            if length < _INT.size:
                raise ValueError(f"a message of {length} bytes")
            if len(self._rest) < length + 1:
                return
            message = bytes(self._rest[: length + 1])
            del self._rest[: length + 1]
            yield Message(message[0], message)

    def rest(self) -> bytes:
        """Give what waits for the rest of its message, and forget it."""
        rest, self._rest = bytes(self._rest), bytearray()
        return rest


class Startup:
    """What a connection begins with: requests for encryption, perhaps, then a startup message."""

    def __init__(self) -> None:
        self.is_over = False
        """Whether the startup message, or a request to cancel, was there."""
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; give code and bytes of each message that is whole.

        Raises `ValueError` for nonsense.
        """
        self._rest += data
        while not self.is_over and len(self._rest) >= _START_HEAD:
            length, code = _INT.unpack_from(self._rest)[0], _INT.unpack_from(self._rest, 4)[0]
            if not _START_HEAD <= length <= _LONGEST_START:
                raise ValueError(f"a startup message of {length} bytes")
            if len(self._rest) < length:
                return
            begin, self._rest = self._rest[:length], self._rest[length:]
            self.is_over = code not in {SSL_REQUEST, GSS_REQUEST}
            yield code, begin

    def rest(self) -> bytes:
        """Give what followed the last of them, and forget it."""
        rest, self._rest = self._rest, b""
        return rest


def message(kind: bytes, body: bytes) -> bytes:
    """Put a message together."""
    return kind + _INT.pack(len(body) + _INT.size) + body


def texts(body: bytes, count: int) -> list[str]:
    """Give the first strings of a body, each of which ends with a zero byte."""
    return [each.decode("utf-8", "replace") for each in body.split(b"\0", count)[:count]]
