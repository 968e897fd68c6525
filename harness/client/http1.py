"""Reading an HTTP/1.1 answer out of bytes as they come in (RFC 9112), without I/O.

Every byte is looked at a bounded number of times, however small the pieces are that it comes in.
"""

import re
from collections.abc import Mapping

from multidict import CIMultiDict

MAX_HEAD_BYTES = 64 * 1024

MAX_HEADERS = 200

MAX_INTERIM = 20
"""Interim answers before the final one: 100 Continue is one, a progress bar made of 102s is not."""

MAX_CHUNK_LINE_BYTES = 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?", re.DOTALL)
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,15}")


class NoHttp(ValueError):
    """What came is not an HTTP/1.1 answer."""


class AnswerReader:
    """Feed it what the server sends; interim answers (1xx) are read past."""

    def __init__(self) -> None:
        self.status: int | None = None
        """None until the head of a final answer is complete."""
        self.headers: Mapping[str, str] = {}
        self.interim: list[int] = []
        """The status of every interim answer, such as 100 Continue."""
        self.complete = False
        self._held = bytearray()
        self._at = 0
        """Where in `_held` begins what has not been understood yet."""
        self._body = bytearray()
        self._length: int | None = None

    @property
    def body(self) -> bytes:
        """What of the body has come so far, without its framing."""
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Take more bytes. Raises `NoHttp`."""
        self._held += data
        while self.status is None and self._take_head():
            pass
        if self.status is not None and not self.complete:
            self._take_body()
        del self._held[: self._at]
        self._at = 0

    def end(self) -> None:
        """The server has closed the connection; a body without a length ends here."""
        if self.status is not None and not self._is_framed():
            self.complete = True

    def _take_head(self) -> bool:
        """Take one head, if all of it is there; say whether another one must follow."""
        end = self._held.find(b"\r\n\r\n", self._at)
        if (end if end >= 0 else len(self._held)) - self._at > MAX_HEAD_BYTES:
            raise NoHttp(f"more than {MAX_HEAD_BYTES} bytes and no end of the headers")
        if end < 0:
            return False
        first, *lines = bytes(self._held[self._at : end]).split(b"\r\n")
        self._at = end + 4
        found = _STATUS_LINE.fullmatch(first)
        if found is None:
            raise NoHttp(f"no status line: {first[:80]!r}")
        status = int(found[1])
        if 100 <= status < 200:
            self.interim.append(status)
            if len(self.interim) > MAX_INTERIM:
                raise NoHttp(f"more than {MAX_INTERIM} interim answers, the last one {status}")
            return True
        self.headers = headers = _headers(lines)
        self._length = None if self._is_chunked() else _length(headers)
        self.status = status
        return False

    def _is_framed(self) -> bool:
        return self._is_chunked() or self._length is not None or self.status in (204, 304)

    def _is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def _take_body(self) -> None:
        if self.status in (204, 304):
            self.complete = True
        elif self._is_chunked():
            while not self.complete and self._take_chunk():
                pass
        else:
            until = len(self._held)
            if self._length is not None:
                until = min(until, self._at + self._length - len(self._body))
            self._body += self._held[self._at : until]
            self._at = until
            self.complete = len(self._body) == self._length

    def _take_chunk(self) -> bool:
        """Take one chunk, if all of it is there; the empty one completes the body."""
        end = self._held.find(b"\r\n", self._at, self._at + MAX_CHUNK_LINE_BYTES)
        if end < 0:
            if len(self._held) - self._at >= MAX_CHUNK_LINE_BYTES:
                raise NoHttp(f"no size of a chunk: {bytes(self._held[self._at :][:80])!r}")
            return False
        line = bytes(self._held[self._at : end])
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise NoHttp(f"no size of a chunk: {line[:80]!r}")
        begin, size = end + 2, int(found[1], 16)
        if len(self._held) < begin + size + 2:
            return False
        if self._held[begin + size : begin + size + 2] != b"\r\n" and size:
            raise NoHttp(f"a chunk of {size} bytes does not end where it says")
        self._body += self._held[begin : begin + size]
        self._at = begin + size + 2
        self.complete = size == 0
        return True


def _headers(lines: list[bytes]) -> CIMultiDict[str]:
    if len(lines) > MAX_HEADERS:
        raise NoHttp(f"{len(lines)} headers, more than {MAX_HEADERS}")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name.strip() or b"\0" in line or b"\n" in line:
            raise NoHttp(f"no header: {line[:80]!r}")
        headers.add(name.decode("latin-1"), value.strip(b" \t").decode("utf-8", "replace"))
    return headers


def _length(headers: CIMultiDict[str]) -> int | None:
    told = set(headers.getall("content-length", []))
    if not told:
        return None
    if len(told) > 1 or not _LENGTH.fullmatch(next(iter(told))):
        raise NoHttp(f"Content-Length: {', '.join(sorted(told))[:80]!r}")
    return int(told.pop())
