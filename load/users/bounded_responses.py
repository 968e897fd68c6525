"""Bodies of a limited size, for locust's users. Only locust imports this."""

from geventhttpclient.response import HTTPParseError
from locust.contrib.fasthttp import FastResponse

MAX_BODY_BYTES = 96 * 1024 * 1024
"""More than the largest file of the contract."""

_STEP_BYTES = 64 * 1024


class TooLong(HTTPParseError):
    """A body goes on beyond the bound; locust counts it as a request without an answer."""


class BoundedResponse(FastResponse):
    """Reads no more than the bound, and never inflates: no request asks for compression."""

    def _content(self) -> bytes:
        if self._response is None:
            return b""
        content = bytearray()
        while piece := self._response.read(_STEP_BYTES):
            content += piece
            if len(content) > MAX_BODY_BYTES:
                self._response.release()
                raise TooLong(f"a body of more than {MAX_BODY_BYTES} bytes")
        return bytes(content)
