"""Sending one user's requests: every operation by its operationId."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from json import dumps as encode_json
from typing import Any, Self

from harness.asks import ask, leave_out, look_for
from harness.client.absence import refuse_absent, without_empty
from harness.client.answers.answer import Answer
from harness.client.http.location import follow_location, follow_redirect
from harness.client.http.sent_body import Body
from harness.client.http.transport import Transport
from harness.client.left_exports import LeftExports
from harness.client.multipart import encode_form
from harness.client.routes import Routes
from harness.client.samples import Sample
from harness.client.tokens.token_source import RenewedToken
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.target.contract.without import NOTHING_WITHOUT, Without

DEADLINE_S = 10.0
"""How long a request may take before the backend counts as not answering."""

KEY_HEADER = "idempotency-key"

_QUEUES = frozenset({"requestExport", "retryExport"})
"""The operations that put an export into the queue."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Sends one user's requests, to all API instances in turn or to one of them."""

    transport: Transport = field(repr=False)
    routes: Routes = field(repr=False)
    token: str | None = field(repr=False)
    """The bearer token; None sends none."""
    renewed: RenewedToken | None = field(default=None, repr=False)
    """Where its token is had again before it runs out; None where it cannot be."""
    instance: int | None = None
    """The only instance that gets its requests; None is round robin."""
    left: LeftExports | None = field(default=None, repr=False, compare=False)
    """Where it notes what it requests, for a backend that is slow to make it."""

    def at(self, instance: int | None) -> Self:
        """The same user, sending to one instance (counted from 0) only."""
        return replace(self, instance=instance)

    @property
    def instances(self) -> int:
        """How many API instances there are."""
        return len(self.transport.base_urls)

    def has(self, operation_id: str) -> bool:
        """Whether the backend has an operation: it is not declared absent."""
        look_for(operation_id)
        if operation_id in self.routes:
            return True
        leave_out(operation_id)
        return False

    @property
    def without(self) -> Without:
        """What the target declares absent besides operations and fields."""
        dialect = self.transport.dialect
        return NOTHING_WITHOUT if dialect is None else dialect.contract.without

    def _present_headers(self, operation_id: str, headers: Mapping[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() == KEY_HEADER and self.without.header(KEY_HEADER, operation_id):
                ask(f"header {KEY_HEADER.title()}")
                raise Absent(f"header {KEY_HEADER.title()}", "[contract.without] headers")
        return dict(headers)

    async def call(
        self,
        operation_id: str,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 - any JSON document
        content: Body = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, Sample] | None = None,
        headers: Mapping[str, str] | None = None,
        instance: int | None = None,
        deadline_s: float = DEADLINE_S,
        follow: bool = True,
    ) -> Answer:
        """Send one request and give its answer, 4xx and 5xx included.

        A redirect of a download that the target declares is followed, once, unless `follow` says
        otherwise. `NoAnswer` (which fails the check) when nothing usable arrived within
        `deadline_s`.
        """
        ask(operation_id)
        route = self.routes[operation_id]
        sent = self._present_headers(operation_id, headers or {})
        if isinstance(json, Mapping):
            json = without_empty(self.without, operation_id, json)
        refuse_absent(
            self.without,
            operation_id,
            {**(query or {}), **(form or {}), **(json if isinstance(json, Mapping) else {})},
            export_type=str((path or {}).get("export_type", "")),
        )
        sent = {**await self._bearer(), **sent}
        body: Body = content
        if json is not None:
            body = encode_json(json, separators=(",", ":")).encode()
            sent.setdefault("content-type", "application/json")
        elif form is not None or files is not None:
            body, sent["content-type"] = encode_form(form or {}, files or {})
        answer = await self.transport.send(
            route,
            route.path(path or {}),
            instance=self.instance if instance is None else instance,
            deadline_s=deadline_s,
            headers=sent,
            query=query,
            body=body,
        )
        if operation_id in _QUEUES:
            self._note_left(answer)
        if follow and answer.is_redirect:
            return await follow_redirect(self.transport, answer, sent, deadline_s=deadline_s)
        return answer

    async def authorization(self) -> dict[str, str]:
        """Give the header with the token for a request that `call` does not send; {} for none.

        Raises `Inconclusive` where the token has run out and cannot be had again.
        """
        sent = await self._bearer()
        self.transport.lifetimes.refuse_expired(sent.get("authorization", ""))
        return sent

    async def valid_token(self) -> str:
        """Give the token itself, for requests that others send.

        Raises `Inconclusive` where it has run out and cannot be had again.
        """
        return (await self.authorization())["authorization"].removeprefix("Bearer ")

    @property
    def _renewal(self) -> RenewedToken | None:
        """What makes this client's own token last; None for one that it was given instead."""
        return self.renewed if self.renewed and self.renewed.replaces(self.token) else None

    async def _bearer(self) -> dict[str, str]:
        token = await self._renewal.fresh() if self._renewal else self.token
        return {} if token is None else {"authorization": f"Bearer {token}"}

    def _note_left(self, answer: Answer) -> None:
        """Note an export that was accepted, where those that no check waits for are canceled."""
        is_accepted = answer.status == HTTPStatus.ACCEPTED
        if self.left is None or not is_accepted or not self.has("cancelExport"):
            return
        with contextlib.suppress(CheckFailed, Inconclusive):  # what it lacks, the check sees
            export_id = str(answer.data["id"])
            path = {"export_id": export_id}
            self.left.note(export_id, lambda: self.call("cancelExport", path=path))

    async def follow(self, answer: Answer) -> Answer:
        """Get what an answer's `Location` points to, from the instance that sent it.

        Fails the check when there is no `Location`, or one that leads to another server.
        """
        sent = await self._bearer()
        return await follow_location(self.transport, answer, sent, deadline_s=DEADLINE_S)
