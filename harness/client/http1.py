"""Reading an HTTP/1.1 answer out of bytes as they come in (RFC 9112), without I/O."""

import re
from collections.abc import Mapping

from multidict import CIMultiDict

MAX_HEAD_BYTES = 64 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?", re.DOTALL)


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
        self.body = b""
        self.complete = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take more bytes. Raises `NoHttp`."""
        self._held += data
        while self.status is None and self._take_head():
            pass
        if self.status is not None:
            self._take_body()

    def end(self) -> None:
        """The server has closed the connection; a body without a length ends here."""
        if self.status is not None and not self._is_framed():
            self.body, self.complete = self._held, True

    def _take_head(self) -> bool:
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            if len(self._held) > MAX_HEAD_BYTES:
                raise NoHttp(f"more than {MAX_HEAD_BYTES} bytes and no end of the headers")
            return False
        first, *lines = head.split(b"\r\n")
        found = _STATUS_LINE.fullmatch(first)
        if found is None:
            raise NoHttp(f"no status line: {first[:80]!r}")
        self._held = rest
        status = int(found[1])
        if 100 <= status < 200:
            self.interim.append(status)
            return True
        headers: CIMultiDict[str] = CIMultiDict()
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon:
                raise NoHttp(f"no header: {line[:80]!r}")
            headers.add(name.decode("latin-1"), value.strip(b" \t").decode("utf-8", "replace"))
        self.status, self.headers = status, headers
        return False

    def _is_framed(self) -> bool:
        return self._is_chunked() or "content-length" in self.headers or self.status in (204, 304)

    def _is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def _take_body(self) -> None:
        if self.status in (204, 304):
            self.complete = True
        elif self._is_chunked():
            self._take_chunks()
        elif "content-length" in self.headers:
            try:
                length = int(self.headers["content-length"])
            except ValueError as error:
                raise NoHttp(f"Content-Length: {self.headers['content-length']!r}") from error
            self.body = self._held[:length]
            self.complete = len(self.body) == length

    def _take_chunks(self) -> None:
        while not self.complete:
            line, end, rest = self._held.partition(b"\r\n")
            if not end:
                return
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError as error:
                raise NoHttp(f"no size of a chunk: {line[:80]!r}") from error
            if len(rest) < size + 2:
                return
            self.body += rest[:size]
            self._held = rest[size + 2 :]
            self.complete = size == 0
