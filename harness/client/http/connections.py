"""The connections of a transport: kept open where a request may be sent again, else new.

A server may close an idle connection at any moment, also just when a request is on its way. A
request that is safe or has a key is sent again then. Any other gets a connection of its own, so
that an answer that does not come is never the fault of an old connection.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

# Of aiohttp only the client. It takes a seventh of the time per request that httpx takes, and a
# gate sends thousands on the two cores that the system under test needs itself.
import aiohttp
from yarl import URL

from harness.untrusted.sanitizing import shorten

MAX_CONNECTIONS = 64
"""Enough for every race that a check starts, few enough for a backend's own limits."""

KEEP_ALIVE_S = 3.0
"""Shorter than most servers keep idle connections (Node: 5 s)."""

SHOWN_CHARACTERS = 400
"""How much of an error of the client library a message shows."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

Body = bytes | AsyncIterator[bytes] | None


class Connections:
    """Opens connections when the first request needs them."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._kept: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, has_key: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, and give its answer as soon as its head is there.

        Raises `aiohttp.ClientError` and `OSError`.
        """
        may_repeat = isinstance(body, bytes | None) and (method in SAFE_METHODS or has_key)
        if not may_repeat:
            async with self._send(self._once(), method, url, headers, body) as response:
                yield response
            return
        used = SimpleNamespace(again=False)
        try:
            response = await self._send(self._keeping(), method, url, headers, body, used)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as lost:
            if not used.again:
                raise
            try:
                response = await self._send(self._once(), method, url, headers, body)
            except aiohttp.ClientConnectorError as refused:
                if method in SAFE_METHODS:
                    raise
                raise lost from refused  # the first one may have done its work
        async with response:
            yield response

    def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        used: SimpleNamespace | None = None,
    ) -> "aiohttp.client._RequestContextManager":
        return session.request(
            method,
            URL(url, encoded=True),  # it is quoted already, and must stay as it is
            headers=headers,
            data=body,
            allow_redirects=False,
            trace_request_ctx=used,
        )

    def _keeping(self) -> aiohttp.ClientSession:
        if self._kept is None:  # it belongs to the event loop of the first request
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_note_reuse)
            self._kept = self._session(
                aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S), [trace]
            )
        return self._kept

    def _once(self) -> aiohttp.ClientSession:
        if self._single is None:
            self._single = self._session(
                aiohttp.TCPConnector(limit=MAX_CONNECTIONS, force_close=True)
            )
        return self._single

    def _session(
        self, connector: aiohttp.TCPConnector, traces: list[aiohttp.TraceConfig] | None = None
    ) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,  # a proxy of the environment is not the system under test
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "Content-Type"),
            headers={"User-Agent": self._user_agent},
            trace_configs=traces,
        )
        # aiohttp would send again whatever was lost on a new connection, too.
        session._retry_connection = False  # noqa: SLF001 - as its own test client
        return session

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._kept, self._single):
            if session is not None:
                await session.close()
        self._kept = self._single = None


async def _note_reuse(
    _: aiohttp.ClientSession,
    context: SimpleNamespace,
    __: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    context.trace_request_ctx.again = True


def reason_of(error: aiohttp.ClientError | OSError) -> str:
    """Say in plain words why there is no answer."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"a certificate that cannot be trusted: {error.certificate_error}"
        case aiohttp.ClientSSLError():
            return f"no TLS: {error}"
        case aiohttp.ClientResponseError():
            return f"no HTTP/1.1 answer: {shorten(error.message, SHOWN_CHARACTERS)}"
    return f"{type(error).__name__}: {shorten(str(error), SHOWN_CHARACTERS)}"
