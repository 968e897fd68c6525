"""Sending one request and reading one answer: a deadline and a size bound on every one of them."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from harness.client.answer import Answer
from harness.client.routes import Route
from harness.errors import CheckFailed, Outcome, classify

MAX_BODY_BYTES = 96 * 1024 * 1024
"""More than the largest file of the contract; a backend that sends more is stopped."""

MAX_CONNECTIONS = 64
"""Enough for every race that a check starts, few enough for a backend's own limits."""


class NoAnswer(CheckFailed):
    """A request that got no usable answer: refused, cut, too late, too long.

    `outcome` says whether the request certainly had no effect (`fail`: a refused connection);
    after a timeout or a cut connection it may have done its work (`info`).
    """

    outcome: Outcome = "info"


class Transport:
    """The connections to all API instances of a system, shared by all its clients."""

    def __init__(self, base_urls: Sequence[str]) -> None:
        if not base_urls:
            raise ValueError("a transport needs at least one base URL")
        self.base_urls = tuple(url.rstrip("/") for url in base_urls)
        self._turn = itertools.count()
        self._http = httpx.AsyncClient(
            # Building a TLS context takes longer than a whole check; plain HTTP needs none.
            verify=any(url.startswith("https:") for url in self.base_urls),
            trust_env=False,  # a proxy of the environment is not the system under test
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS
            ),
            timeout=None,  # one deadline covers the whole exchange, below  # noqa: S113
            headers={"user-agent": "shakedown", "accept-encoding": "identity"},
        )

    def next_instance(self) -> int:
        """Whose turn it is: instances are asked round robin."""
        return next(self._turn) % len(self.base_urls)

    async def send(
        self,
        route: Route,
        path: str,
        *,
        instance: int | None,
        deadline_s: float,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
        **body: Any,  # noqa: ANN401 - handed to httpx: json, content, data, files
    ) -> Answer:
        """Send a request to one instance (None: the next one) and read its answer to the end.

        Raises `NoAnswer` when none came within `deadline_s` seconds or it was cut or too long.
        """
        chosen = self.next_instance() if instance is None else instance % len(self.base_urls)
        request = self._http.build_request(
            route.method,
            self.base_urls[chosen] + path,
            headers=dict(headers),
            params=dict(query) if query else None,
            **body,
        )
        what = f"{route.method} {path} from API instance {chosen + 1}"
        began = time.perf_counter()
        try:
            async with asyncio.timeout(deadline_s):
                status, answer_headers, content = await self._exchange(request, what)
        except TimeoutError:
            raise NoAnswer(
                expected=f"an answer to {what} within {deadline_s:g} s",
                came=f"none after {time.perf_counter() - began:.1f} s",
            ) from None
        except httpx.HTTPError as error:
            failure = NoAnswer(
                expected=f"an answer to {what}",
                came=f"{type(error).__name__}: {error}".rstrip(": "),
            )
            failure.outcome = classify(error)
            raise failure from error
        return Answer(
            operation_id=route.operation_id,
            method=route.method,
            path=path,
            instance=chosen,
            status=status,
            headers=answer_headers,
            body=content,
            elapsed_s=time.perf_counter() - began,
        )

    async def _exchange(
        self, request: httpx.Request, what: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        response = await self._http.send(request, stream=True)
        try:
            chunks, size = [], 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise NoAnswer(
                        expected=f"a body of at most {MAX_BODY_BYTES} bytes from {what}",
                        came=f"more than that, after status {response.status_code}",
                    )
                chunks.append(chunk)
        finally:
            await response.aclose()
        return response.status_code, response.headers, b"".join(chunks)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
