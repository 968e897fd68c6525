"""Whether an instance answers its ready path, asked with as little code as possible.

Five instances are asked every 10 ms while they start; a real HTTP client would take longer to
import than they take to start.
"""

import asyncio
import contextlib
import errno
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from harness.instances.handle import InstanceHandle
from harness.untrusted.retry_after import asked_wait_s
from harness.waiting import becomes_true

_MAY_ASK_TO_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

_HEAD_BYTES = 16 * 1024
_BODY_SHOWN = 300
_BODY_TIMEOUT_S = 0.1
_POLL_S = 0.01
_LEAST_PAUSE_S = 0.2
"""Between two tries at a gateway that asks to come back later, however soon."""

_STARTING_PAUSE_S = 2.0
"""Most between two tries where a 503 asks for more: it is often a constant of a proxy."""

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}(?: |\r\n)")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r\n|$)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of one request: a status, or why there is none."""

    status: int | None
    text: str
    """For a person: the status with the beginning of the body, or the error."""
    is_final: bool = False
    """Whether asking again cannot help, as with a certificate that does not match."""
    is_unreachable: bool = False
    """Whether nothing listens at the address, or its host has none."""
    date: str = ""
    """The header `Date`: when it was sent, by the sender's clock."""
    asked_wait_s: float | None = None
    """Seconds that a 429 or 503 asks to wait (`Retry-After`); None where it does not ask."""

    @property
    def is_ready(self) -> bool:
        """Whether it was a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_limit(self) -> bool:
        """Whether a rate limit asks to come back later: a backend that starts says 503."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS and self.asked_wait_s is not None


READY = Answer(status=200, text="")


async def wait_until_ready(
    handle: InstanceHandle,
    path: str,
    within_s: float,
    timeout_s: float = 2.0,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    unreachable_s: float | None = None,
    has_gateway: bool = False,
) -> Answer:
    """Ask an instance until it is ready, it has ended, or there is no time left.

    Gives the last answer. `headers` are what a gateway wants to see. `timeout_s` is for one
    request; it waits no longer than `unreachable_s` while nothing at all listens there. A rate
    limit that asks to come back later is obeyed, and so is a 503 where the target `has_gateway`;
    a rate limit that asks for more than the time that is left ends the wait at once.
    """
    answer = Answer(status=None, text="it was not asked")
    reached = time.monotonic()
    end = reached + within_s

    async def is_decided() -> bool:
        nonlocal answer, reached
        if not handle.is_alive():
            return True
        within = max(0.2, min(within_s, timeout_s))
        answer = await ask(handle.instance.base_url, path, within, headers)
        if answer.is_ready and not handle.holds_its_port():
            answer = Answer(status=None, text="an answer of another program on its port")
        if not answer.is_unreachable:
            reached = time.monotonic()
        is_hopeless = unreachable_s is not None and time.monotonic() - reached > unreachable_s
        if answer.is_ready or answer.is_final or is_hopeless:
            return True
        left_s = end - time.monotonic()
        if answer.is_limit and (answer.asked_wait_s or 0.0) > left_s:
            return True
        await asyncio.sleep(_pause_s(answer, left_s, has_gateway=has_gateway))
        return False

    await becomes_true(is_decided, within_s, poll_s=_POLL_S)
    return answer


def _pause_s(answer: Answer, left_s: float, *, has_gateway: bool) -> float:
    """Seconds until the next try, as far as the answer asks for some."""
    if answer.asked_wait_s is None or not (answer.is_limit or has_gateway):
        return 0.0
    # Who is only just starting may be ready long before that, and does not mind a few requests.
    most_s = left_s if answer.is_limit else min(left_s, _STARTING_PAUSE_S)
    return max(0.0, min(max(answer.asked_wait_s, _LEAST_PAUSE_S), most_s))


async def ask(
    base_url: str, path: str, timeout_s: float, headers: Mapping[str, str] = _NO_HEADERS
) -> Answer:
    """Send one GET; never raises for what the other side does."""
    url = urlsplit(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                url.hostname, port, ssl=True if url.scheme == "https" else None
            )
            lines = [f"GET {url.path.rstrip('/')}{path} HTTP/1.1", f"Host: {url.netloc}"]
            lines += ["User-Agent: shakedown", "Connection: close"]
            if "accept" not in map(str.lower, headers):
                lines += ["Accept: */*"]
            lines += [f"{name}: {text}" for name, text in headers.items()]
            head = "\r\n".join(lines) + "\r\n\r\n"
            writer.write(head.encode("ascii", errors="replace"))
            return _parse(await _read_some(reader))
    except TimeoutError:
        return Answer(status=None, text=f"no answer within {timeout_s:g} s")
    except ssl.SSLCertVerificationError as error:
        return Answer(
            status=None,
            text=f"a certificate that cannot be trusted: {error.verify_message} (give the name "
            "that it is for, or let SSL_CERT_FILE name the certificate of who issued it)",
            is_final=True,
        )
    except ssl.SSLError as error:
        return Answer(status=None, text=f"no TLS: {error.reason or error}")
    except OSError as error:
        # asyncio's own text of a refused connection does not say that it was refused; that of
        # a name with several addresses has only texts.
        numbers = {int(found) for found in _ERRNO.findall(str(error))} | {error.errno or 0} - {0}
        is_refused = numbers == {errno.ECONNREFUSED}
        number = errno.ECONNREFUSED if is_refused else error.errno or 0
        reason = os.strerror(number) if number > 0 else str(error)
        is_unreachable = is_refused or isinstance(error, socket.gaierror)
        return Answer(status=None, text=reason, is_unreachable=is_unreachable)
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


async def _read_some(reader: asyncio.StreamReader) -> bytes:
    """Read the head and a piece of the body; an endless answer is not read to its end.

    Interim answers (1xx) before it are left out.
    """
    received, read = b"", 0
    while b"\r\n\r\n" not in received and read < _HEAD_BYTES:
        piece = await reader.read(_HEAD_BYTES)
        if not piece:
            return received
        received, read = received + piece, read + len(piece)
        while _INTERIM.match(received) and b"\r\n\r\n" in received:
            received = received.partition(b"\r\n\r\n")[2]
    if received[8:10] != b" 2":
        # It is for a message only: not worth a long wait.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                received += await reader.read(_HEAD_BYTES)
    return received


def _parse(received: bytes) -> Answer:
    found = _STATUS_LINE.match(received)
    if found is None:
        shown = received[:_BODY_SHOWN].decode(errors="replace")
        return Answer(status=None, text=f"an answer that is not HTTP: {shown!r}")
    head, end, after = received.partition(b"\r\n\r\n")
    body = after.decode(errors="replace")
    shown = " ".join(body.split())[:_BODY_SHOWN]
    status = int(found[1])
    if 200 <= status < 300 and not end:
        return Answer(status=None, text=f"{status}, and headers without an end")
    text = f"{status} {shown}".strip()
    headers = _headers(head)
    asked_s = asked_wait_s(headers) if status in _MAY_ASK_TO_WAIT else None
    if asked_s is not None:
        text += f" (it asks to wait {asked_s:g} s)"
    date = headers.get("date", "")
    return Answer(status=status, text=text, asked_wait_s=asked_s, date=date)


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
