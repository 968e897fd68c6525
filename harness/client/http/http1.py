"""Reading an HTTP/1.1 answer out of bytes as they arrive, without I/O: h11, with our own bounds.

h11 bounds the head, but neither the number of headers and of interim answers nor, as tightly as
we do, the line before a chunk. An empty `receive_data` is the end of the connection to it.
"""

import contextlib
from collections.abc import Mapping
from http import HTTPStatus

import h11
from multidict import CIMultiDict

MAX_HEAD_BYTES = 64 * 1024

MAX_HEADERS = 200

MAX_INTERIM = 20
"""Interim answers before the final one: 100 Continue is one, a progress bar made of 102s is not."""

MAX_CHUNK_LINE_BYTES = 1024


class NoHttp(ValueError):
    """The server sent something else than an HTTP/1.1 answer."""


class AnswerReader:
    """Feed it what the server sends; interim answers (1xx) are skipped."""

    def __init__(self) -> None:
        self.status: int | None = None
        """None until the head of a final answer is complete."""
        self.headers: Mapping[str, str] = {}
        self.interim: list[int] = []
        """The status of every interim answer, such as 100 Continue."""
        self.complete = False
        self._body = bytearray()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # h11 reads an answer only after a request; the check itself sends the real one.
        headers = [("Host", "backend"), ("Transfer-Encoding", "chunked")]
        self._http.send(h11.Request(method="POST", target="/", headers=headers))

    @property
    def body(self) -> bytes:
        """The part of the body that was received, without its framing."""
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Take more bytes. Raises `NoHttp`."""
        if not data:
            return
        self._receive(data)
        if self.status is not None and not self.complete:
            # Of a body, h11 keeps only the line before a chunk.
            unread, _ = self._http.trailing_data
            if len(unread) > MAX_CHUNK_LINE_BYTES:
                raise NoHttp(f"no size of a chunk: {unread[:80]!r}")

    def end(self) -> None:
        """The server has closed the connection; a body without a length ends here."""
        if self.status is not None and not self.complete:
            with contextlib.suppress(NoHttp):  # cut in the middle: it stays incomplete
                self._receive(b"")

    def _receive(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while not self.complete:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    return
                self._take(event)
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                too_long = f"more than {MAX_HEAD_BYTES} bytes and no end of the headers"
                raise NoHttp(too_long) from error
            raise NoHttp(str(error)) from error

    def _take(self, event: object) -> None:
        match event:
            case h11.InformationalResponse():
                self.interim.append(event.status_code)
                if len(self.interim) > MAX_INTERIM:
                    raise NoHttp(f"more than {MAX_INTERIM} interim answers")
            case h11.Response():
                if len(event.headers) > MAX_HEADERS:
                    raise NoHttp(f"{len(event.headers)} headers, more than {MAX_HEADERS}")
                self.status = event.status_code
                self.headers = CIMultiDict(
                    (name.decode("ascii"), value.decode("utf-8", "replace"))
                    for name, value in event.headers
                )
            case h11.Data():
                self._body += event.data
            case h11.EndOfMessage():
                self.complete = True
