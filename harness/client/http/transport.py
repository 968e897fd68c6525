"""Sends a request and reads its answer, each with a deadline and a size bound."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import aiohttp

from harness.client.answers.answer import Answer
from harness.client.dialect import Dialect
from harness.client.http.bodies import Bodies, TooLong
from harness.client.http.connections import Connections, reason_of
from harness.client.http.no_answer import no_answer
from harness.client.http.path_organization import PathOrganization
from harness.client.http.patience import Patience
from harness.client.http.redirects import judged_as_success, masked, without_address
from harness.client.http.sent_body import Body, Interrupted
from harness.client.http.token_lifetimes import TokenLifetimes
from harness.client.routes import Route
from harness.client.run_mark import RunMark
from harness.errors import classify
from harness.findings.exchanges import note_exchange
from harness.findings.log_window import LogWindow
from harness.findings.preconditions import BrokenPreconditions


class Transport:
    """The connections to all API instances of a system, shared by all its clients."""

    def __init__(
        self,
        base_urls: Sequence[str],
        mark: RunMark | None = None,
        dialect: Dialect | None = None,
        *,
        has_gateway: bool = False,
    ) -> None:
        """`has_gateway`: something that is not the backend may answer in its place."""
        if not base_urls:
            raise ValueError("a transport needs at least one base URL")
        self.base_urls = tuple(url.rstrip("/") for url in base_urls)
        self.mark = mark
        """The run's mark, on a system that others use too."""
        self.dialect = dialect
        """The backend's, where it differs from the contract."""
        self.broken: BrokenPreconditions | None = None
        """What the run has seen broken: nothing waits for it for long again."""
        self.patience = Patience(has_gateway=has_gateway)
        """With a gateway that asks to come back later."""
        self.lifetimes = TokenLifetimes()
        """Of the tokens of the organizations that use it."""
        self.organizations = PathOrganization()
        """Of the same tokens, for backends that have the organization in their paths."""
        self.logs: Sequence[Path] = ()
        """The logs of the instances, in their order; empty where they cannot be read."""
        self.worker_logs: Sequence[Path] = ()
        """Those of the workers, which make what a client waits for."""
        self._turn = itertools.count()
        self._connections = Connections(self.user_agent)
        self._bodies = Bodies()

    def next_instance(self) -> int:
        """The instance whose turn it is, round robin."""
        return next(self._turn) % len(self.base_urls)

    def form(self, operation_id: str, body: bytes) -> bytes:
        """The form of an operation, or its beginning, as this backend wants it."""
        return self.dialect.form(operation_id, body) if self.dialect else body

    def head(
        self, operation_id: str, path: str, headers: Mapping[str, str]
    ) -> tuple[str, Mapping[str, str]]:
        """Path and headers of a request that a check writes itself, as this backend wants them."""
        path = self.organizations.filled(path, _authorization(headers))
        return self.dialect.head(operation_id, path, headers) if self.dialect else (path, headers)

    def _is_own(self, server: str) -> bool:
        """Whether a request to this server reaches the backend: no other gets its constants."""
        place = urlsplit(server)
        own = (urlsplit(each) for each in self.base_urls)
        return any((each.scheme, each.netloc) == (place.scheme, place.netloc) for each in own)

    async def send(
        self,
        route: Route,
        path: str,
        *,
        instance: int | None,
        deadline_s: float,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
        body: Body = None,
        server: str | None = None,
    ) -> Answer:
        """Send a request to one instance (None: the next one) and read its answer to the end.

        `server` takes the place of the instance's base URL. A gateway that asks to come back
        later is obeyed. Raises `NoAnswer` when no answer arrived within `deadline_s` seconds or it
        was cut or too long, `Inconclusive` where the gateway asks for too much (`Patience`), and
        where a token is refused that has run out meanwhile.
        """
        chosen = self.next_instance() if instance is None else instance % len(self.base_urls)
        request = partial(
            self._send_once,
            route,
            path,
            chosen=chosen,
            deadline_s=deadline_s,
            headers=headers,
            query=query,
            body=body,
            server=server or self.base_urls[chosen],
        )
        while True:
            answer = await request()
            if not await self.patience.waits(answer, may_repeat=isinstance(body, bytes | None)):
                return answer

    async def _send_once(
        self,
        route: Route,
        path: str,
        *,
        chosen: int,
        deadline_s: float,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None,
        body: Body,
        server: str,
    ) -> Answer:
        interrupted = body if isinstance(body, Interrupted) else None
        if isinstance(body, Interrupted):
            body = body.content
        if self.dialect is not None:
            sent = self.dialect.request(
                route, path, query, headers, body, has_constants=self._is_own(server)
            )
            path, query, sent_headers, body = sent.path, None, sent.headers, sent.body
        else:
            sent_headers = headers
        path = self.organizations.filled(path, _authorization(headers))
        if interrupted is not None and isinstance(body, bytes):
            sent_headers = {**sent_headers, "content-length": str(len(body))}
            body = replace(interrupted, content=body).pieces()
        url = server + path + _written(query, path)
        answer = await self._exchange(
            route,
            url,
            f"{route.method} {path} from API instance {chosen + 1}",
            shown=url,
            path=path,
            chosen=chosen,
            deadline_s=deadline_s,
            headers=sent_headers,
            body=body,
            has_key="idempotency-key" in {name.lower() for name in headers},
        )
        return self.translate(route, answer, headers.get("authorization", ""))

    async def fetch(
        self,
        address: str,
        *,
        operation_id: str,
        instance: int,
        deadline_s: float,
        headers: Mapping[str, str],
        method: str = "GET",
    ) -> Answer:
        """Ask a whole address, to which an answer of this instance led, with these headers alone.

        Neither a token nor a constant of the target file is added. Raises as `send` does.
        """
        shown = masked(address)
        route = Route(operation_id=operation_id, method=method, template=shown, may_be_file=True)
        while True:
            answer = await self._exchange(
                route,
                address,
                f"{method} {shown}, to which {operation_id} led",
                shown=shown,
                path=shown,
                chosen=instance,
                deadline_s=deadline_s,
                headers=headers,
                body=None,
                has_key=False,
            )
            if not await self.patience.waits(answer):
                return answer

    async def _exchange(
        self,
        route: Route,
        url: str,
        what: str,
        *,
        shown: str,
        path: str,
        chosen: int,
        deadline_s: float,
        headers: Mapping[str, str],
        body: bytes | AsyncIterator[bytes] | None,
        has_key: bool,
    ) -> Answer:
        """Send a request as it is, and read its answer to the end.

        `what` names it in messages, `shown` is its URL in evidence.
        """
        began = time.perf_counter()
        own = self.log_begun(chosen) if self._is_own(url) else None
        note = partial(
            note_exchange,
            method=route.method,
            url=shown,
            headers=headers,
            body=body,
            instance=chosen,
            log=own,
        )
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._connections.request(
                    route.method, url, headers, body, has_key=has_key
                ) as response,
            ):
                content = await self._bodies.read(response, may_be_file=route.may_be_file)
        except TimeoutError:
            got = f"none after {time.perf_counter() - began:.1f} s"
            note(problem=got)
            raise no_answer(
                route.operation_id, f"an answer to {what} within {deadline_s:g} s", got
            ) from None
        except TooLong as error:
            note(problem=error.got)
            raise no_answer(
                route.operation_id, f"{error.expected} from {what}", error.got
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            note(problem=reason_of(error))
            failure = no_answer(route.operation_id, f"an answer to {what}", reason_of(error))
            failure.outcome = classify(error)
            raise failure from error
        exchange = note(
            status=response.status,
            answer_headers=without_address(response.status, response.headers),
            answer=content,
        )
        answer = Answer(
            operation_id=route.operation_id,
            method=route.method,
            path=path,
            instance=chosen,
            status=response.status,
            headers=response.headers,
            body=content,
            elapsed_s=time.perf_counter() - began,
            exchange=exchange,
        )
        self._bodies.keep(answer)
        return answer

    def log_begun(self, instance: int) -> LogWindow | None:
        """What an instance logs from now on, where that can be read."""
        return LogWindow.begun(self.logs[instance]) if instance < len(self.logs) else None

    def workers_begun(self) -> list[LogWindow]:
        """What each worker logs from now on."""
        return [LogWindow.begun(path) for path in self.worker_logs]

    @property
    def user_agent(self) -> str:
        """The User-Agent of every request."""
        return self.mark.user_agent if self.mark else "shakedown"

    def translate(self, route: Route, answer: Answer, authorization: str) -> Answer:
        """Translate an answer into the contract's names; record what the request made.

        Raises `Inconclusive` where it refuses a token that has run out.
        """
        contract = None
        if self.dialect is not None:
            contract = self.dialect.contract
            route = self.dialect.routes.asked(route, answer.path)
            answer = self.dialect.answer(route, answer)
        answer = judged_as_success(contract, route, answer, self.base_urls[answer.instance])
        if self.mark is not None:
            self.mark.record_created(answer, authorization)
        self.lifetimes.judge(answer, authorization)
        return answer

    def reworded(self, answer: Answer) -> Answer:
        """Give what a redirect led to in the contract's names; what it is was judged before."""
        if self.dialect is None:
            return answer
        return self.dialect.answer(self.dialect.routes[answer.operation_id], answer)

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _authorization(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "authorization"), "")


def _written(query: Mapping[str, Any] | None, path: str) -> str:
    if not query:
        return ""
    return f"{'&' if '?' in path else '?'}{urlencode(query)}"
