"""werkzeug's threaded server, which still listens when it has refused what is being sent."""

import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

_QUIET_CLIENT_S = 30.0
_LAST_BYTES_S = 2.0
_LAST_REQUESTS_S = 5.0
_CHUNK = 64 * 1024


class Handler(WSGIRequestHandler):
    """HTTP/1.1, one request a connection."""

    protocol_version = "HTTP/1.1"
    timeout = _QUIET_CLIENT_S

    def finish(self) -> None:
        """End the answer, then read what still arrives: a reset would take the answer with it."""
        super().finish()
        until = time.monotonic() + _LAST_BYTES_S
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(_CHUNK):
                    return

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests that were answered."""


def serve(app: Flask, host: str, port: int, before_end: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then give the requests at work some time to end.

    `before_end` is called as soon as one comes.
    """
    server = make_server(host, port, app, threaded=True, request_handler=Handler)

    def stop(_signal: int, _frame: object) -> None:
        before_end()
        # Not from here: shutdown() waits for the loop that this handler interrupts.
        threading.Thread(target=server.shutdown, name="stopping").start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    until = time.monotonic() + _LAST_REQUESTS_S
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(max(0.0, until - time.monotonic()))
