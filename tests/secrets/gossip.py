"""Servers that repeat what they were told: over HTTP, and in the protocol of PostgreSQL."""

import contextlib
import json
import socket
import struct
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedRWPair
from urllib.parse import quote

_ENCRYPTION_REQUESTS = (struct.pack("!i", 80877103), struct.pack("!i", 80877104))
"""SSLRequest and GSSENCRequest (PostgreSQL, "Message Formats")."""


class _Gossip(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/readyz":
            self._send(200, {"status": "ready"})
            return
        said = self.headers.get("Authorization", "")
        token = said.removeprefix("Bearer ")
        told = {
            "id": token,
            "title": said,
            "quoted": quote(said, safe=""),
            "encoded": b64encode(said.encode()).decode(),
            "inside": b64encode(f'{{"h": "{said}"}}'.encode()).decode(),
            "parts": token.split("."),
            "long": "x" * 150 + token,  # longer than what a message shows: it is cut in the middle
            "job_id": token,
            "state": token[-20:],
        }
        if self.command == "POST" and self.path == "/api/jobs":
            self._send(201, {"data": told})
        elif self.command == "GET" and "exports" not in self.path:
            self._send(200, {"data": told, "next_cursor": token})
        else:
            self._send(500, {"code": token, "detail": str(told), "data": told})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def _send(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        said = self.headers.get("Authorization", "")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-ID", said)
        self.send_header("Location", f"/api/{said}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the tests' own output is no place for it."""


@contextmanager
def gossip() -> Iterator[str]:
    """Serve on a free port of loopback; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gossip)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def indiscreet_postgres() -> Iterator[int]:
    """A server that asks for the password in clear and refuses it by repeating it."""
    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_refuse_all, args=(server,), daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(timeout=10)


def _refuse_all(server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return  # closed
        with client, contextlib.suppress(OSError), client.makefile("rwb") as stream:
            _refuse(stream)


def _refuse(stream: BufferedRWPair) -> None:
    request = _packet(stream)
    while request[:4] in _ENCRYPTION_REQUESTS:
        stream.write(b"N")
        stream.flush()
        request = _packet(stream)
    if not request:
        return  # the client wanted only that, or went away
    stream.write(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
    stream.flush()
    stream.read(1)
    password = _packet(stream).rstrip(b"\0")
    fields = b"SFATAL\0VFATAL\0C28P01\0M" + b"no such password: " + password + b"\0\0"
    stream.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)
    stream.flush()


def _packet(stream: BufferedRWPair) -> bytes:
    """What a packet holds, nothing where the client has hung up."""
    head = stream.read(4)
    return stream.read(struct.unpack("!i", head)[0] - 4) if len(head) == 4 else b""
