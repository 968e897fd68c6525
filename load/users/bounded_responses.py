"""Bodies of a limited size, for locust's users. Only locust imports this."""

from http import HTTPStatus

import geventhttpclient.client
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse
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


class FinalResponse(HTTPSocketPoolResponse):
    """The answer after interim ones (1xx).

    Those are complete without a body: geventhttpclient gives the connection back at the first of
    them, and loses the body of the answer if it comes later.
    """

    def _on_message_complete(self) -> None:
        if self.get_code() >= HTTPStatus.OK:
            super()._on_message_complete()
        else:
            self.message_complete = True


def skip_interim_answers() -> None:
    """Make geventhttpclient, in this process, read on after an interim answer."""
    setattr(geventhttpclient.client, "HTTPSocketPoolResponse", FinalResponse)  # noqa: B010
