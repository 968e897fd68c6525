"""An incremental parser of multipart bodies (RFC 2046), without I/O.

Chunks of any size go in, events come out. The parser buffers at most a delimiter or one part's
headers, so memory does not grow with the body. It is strict and raises MalformedMultipartError for
every deviation: a lenient parser may read another form than the one that a proxy has checked.
"""
# The library `multipart` (2.0.1) was tried: it accepts text after the closing boundary and a
# parameter given twice, ignores `filename*`, and its strict mode refuses a short first chunk.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from reference_backend.api.header_values import MalformedHeaderError, parse_header_value

MAX_HEADERS_BYTES = 32 * 1024
MAX_PARTS = 32
_BOUNDARY_CHARACTERS = frozenset(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? "
)


class MalformedMultipartError(ValueError):
    """The body is not well-formed; the message says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The headers of a part."""

    name: str
    file_name: str | None
    content_type: str | None


Event = Part | bytes | None
"""A part begins, some of its bytes, or its end (None)."""


class _State(Enum):
    PREAMBLE = auto()
    AFTER_DELIMITER = auto()
    HEADERS = auto()
    BYTES = auto()
    CLOSED = auto()
    EPILOGUE = auto()


def boundary_of(content_type: str | None) -> bytes:
    """The boundary of a `multipart/form-data` Content-Type; raises MalformedMultipartError."""
    try:
        value = parse_header_value(content_type or "")
    except MalformedHeaderError as error:
        raise MalformedMultipartError(f"Content-Type: {error}") from error
    if value.value != "multipart/form-data":
        raise MalformedMultipartError("Content-Type must be multipart/form-data")
    boundary = value.parameters.get("boundary", "").encode("utf-8", "surrogateescape")
    if not 1 <= len(boundary) <= 70 or boundary.endswith(b" "):
        raise MalformedMultipartError("Content-Type must have a boundary of 1 to 70 characters")
    if not _BOUNDARY_CHARACTERS.issuperset(boundary):
        raise MalformedMultipartError("the boundary has characters that RFC 2046 does not allow")
    return boundary


class MultipartParser:
    """Feed it the body; then `finish()` checks that it was complete."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # A body may begin with its first delimiter: this is the line end before it.
        self._buffer = b"\r\n"
        self._state = _State.PREAMBLE
        self._parts = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that these bytes complete; consume them all before the next feed."""
        self._buffer += data
        while True:
            before = self._state
            match before:
                case _State.PREAMBLE | _State.BYTES:
                    yield from self._until_delimiter()
                case _State.AFTER_DELIMITER:
                    self._after_delimiter()
                case _State.HEADERS:
                    yield from self._headers()
                case _State.CLOSED:
                    self._closed()
                case _State.EPILOGUE:
                    self._buffer = b""
            if self._state is before:
                return

    def finish(self) -> None:
        """The body has ended; raises MalformedMultipartError if it is not complete."""
        if self._state is _State.PREAMBLE:
            raise MalformedMultipartError("the body does not contain its boundary")
        if self._state not in (_State.CLOSED, _State.EPILOGUE) or self._buffer:
            raise MalformedMultipartError("the body ends before its closing boundary")

    def _until_delimiter(self) -> Iterator[Event]:
        inside = self._state is _State.BYTES
        found = self._buffer.find(self._delimiter)
        if found >= 0:
            content, self._buffer = (
                self._buffer[:found],
                self._buffer[found + len(self._delimiter) :],
            )
            self._state = _State.AFTER_DELIMITER
        else:
            # The end may be the beginning of a delimiter, which starts at the last CR.
            tail = self._buffer.rfind(b"\r", -(len(self._delimiter) - 1))
            cut = len(self._buffer) if tail < 0 else tail
            content, self._buffer = self._buffer[:cut], self._buffer[cut:]
        if inside and content:
            yield content
        if inside and found >= 0:
            yield None

    def _after_delimiter(self) -> None:
        if len(self._buffer) < 2:
            return
        if self._buffer.startswith(b"--"):
            self._buffer = self._buffer[2:]
            self._state = _State.CLOSED
            return
        rest = self._buffer.lstrip(b" \t")  # transport padding
        if rest.startswith(b"\r\n"):
            # Keep the line end: headers end at an empty line, also if there are none.
            self._buffer = rest
            self._state = _State.HEADERS
        elif len(rest) >= 2 or (rest and rest != b"\r") or len(self._buffer) > MAX_HEADERS_BYTES:
            raise MalformedMultipartError("a boundary is followed by something else on its line")

    def _closed(self) -> None:
        self._buffer = self._buffer.lstrip(b" \t")
        if self._buffer.startswith(b"\r\n"):
            self._state = _State.EPILOGUE
        elif self._buffer not in (b"", b"\r"):
            raise MalformedMultipartError("the closing boundary is followed by something else")

    def _headers(self) -> Iterator[Event]:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEADERS_BYTES or (end < 0 and len(self._buffer) > MAX_HEADERS_BYTES):
            raise MalformedMultipartError(
                f"a part has more than {MAX_HEADERS_BYTES} bytes of headers"
            )
        if end < 0:
            return
        block, self._buffer = self._buffer[2:end], self._buffer[end + 4 :]
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MalformedMultipartError(f"there are more than {MAX_PARTS} parts")
        yield _part(block)
        self._state = _State.BYTES


def _part(block: bytes) -> Part:
    headers = _header_lines(block)
    try:
        disposition = parse_header_value(headers.get("content-disposition", ""))
        content_type = headers.get("content-type")
        declared = parse_header_value(content_type).value if content_type else None
        name = disposition.parameters.get("name")
        if disposition.value != "form-data" or name is None:
            raise MalformedMultipartError(
                "a part has no Content-Disposition: form-data with a name"
            )
        file_name = disposition.extended("filename")
        return Part(name=name, file_name=file_name, content_type=declared)
    except MalformedHeaderError as error:
        raise MalformedMultipartError(f"a part's headers: {error}") from error


def _header_lines(block: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or not name.isascii() or not name or name != name.strip():
            raise MalformedMultipartError("a part has a malformed header line")
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        if name.decode().lower() in headers:
            raise MalformedMultipartError(f"a part has the header {name.decode()} twice")
        headers[name.decode().lower()] = text.strip(" \t")
    return headers
