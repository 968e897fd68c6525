"""werkzeug's threaded server, made to wait for the word before it lets a client send its body."""

import io
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from flask import Flask

_QUIET_CLIENT_S = 30.0
_LAST_REQUESTS_S = 5.0
_LAST_BYTES_S = 2.0
_CHUNK = 64 * 1024


class Handler(WSGIRequestHandler):
    """HTTP/1.1, one request a connection. A client that is silent for too long is dropped."""

    protocol_version = "HTTP/1.1"
    timeout = _QUIET_CLIENT_S
    _awaits_go_ahead = False

    def handle_expect_100(self) -> bool:
        """Remember that the client waits: what is refused from its headers is never sent."""
        self._awaits_go_ahead = True
        del self.headers["Expect"]
        return True

    def make_environ(self) -> dict[str, Any]:
        """The WSGI environment, whose input tells a waiting client to go ahead when it is read."""
        came = self.rfile
        if self._awaits_go_ahead:
            self.rfile = io.BufferedReader(_GoAhead(came, self.wfile))
        environment = super().make_environ()
        self.rfile = came  # what is drained after the answer asks for nothing more
        return environment

    def finish(self) -> None:
        """End the answer, then listen a little longer.

        Whoever is refused unread is still sending. A connection that is closed on bytes nobody has
        read is reset, and its client never sees why it was refused.
        """
        super().finish()
        patience_ends = time.monotonic() + _LAST_BYTES_S
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left := patience_ends - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(_CHUNK):
                    return

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests that were answered."""


class _GoAhead(io.RawIOBase):
    def __init__(self, came: io.BufferedIOBase, back: io.BufferedIOBase) -> None:
        super().__init__()
        self._came = came
        self._back = back
        self._said = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever can be written into
        if not self._said:
            self._said = True
            self._back.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._back.flush()
        piece = self._came.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def serve(app: Flask, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then give the requests at work some time to end."""
    server = make_server(host, port, app, threaded=True, request_handler=Handler)

    def stop(_signal: int, _frame: object) -> None:
        # Not from here: shutdown() waits for the loop that this handler interrupts.
        threading.Thread(target=server.shutdown, name="stopping").start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()  # closes its socket when it ends
    patience_ends = time.monotonic() + _LAST_REQUESTS_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, patience_ends - time.monotonic()))
