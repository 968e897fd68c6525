"""`{jwks_url}`: serves a run's public keys to the backend.

It is a thread of the process that began the run, not a program of its own: it needs no journal,
because a `kill -9` of that process ends it and frees its port in the same moment, and it is up as
long as that process is, so also for what other processes of the run start. It depends on no event
loop: the harness enters and leaves several while a system runs.
"""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

from harness.errors import Misconfigured

PATH = "/.well-known/jwks.json"

_REQUEST_S = 5.0
"""How long a client may take to send its request."""
_LEAVE_S = 5.0


class KeyServer:
    """Listens from `start` to `close`."""

    def __init__(self, server: ThreadingHTTPServer, thread: Thread, host: str) -> None:
        self._server = server
        self._thread = thread
        self.url = f"http://{host}:{server.server_address[1]}{PATH}"

    @classmethod
    def start(cls, jwks: str, host: str) -> "KeyServer":
        """Serve this set of keys at a free port of an address of this machine.

        Raises `Misconfigured` where nothing can listen there.
        """

        class Handler(_Handler):
            body = jwks.encode()

        try:
            server = _Server((host, 0), Handler)
        except OSError as error:
            raise Misconfigured(
                f"the keys of tokens cannot be served at {host}: {error.strerror or error}"
            ) from error
        thread = Thread(target=server.serve_forever, args=(0.05,), name="keys", daemon=True)
        thread.start()
        return cls(server, thread, host)

    def close(self) -> None:
        """Stop listening; safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(_LEAVE_S)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client that hangs must not delay others
    block_on_close = False
    address_family = socket.AF_INET

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that leaves early is its own business."""


class _Handler(BaseHTTPRequestHandler):
    body: ClassVar[bytes]
    protocol_version = "HTTP/1.1"
    timeout = _REQUEST_S

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the library
        pass

    def _answer(self, *, with_body: bool) -> None:
        is_here = self.path.partition("?")[0] == PATH
        body, kind = (self.body, "application/jwk-set+json") if is_here else (b"", "text/plain")
        self.send_response(200 if is_here else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)
