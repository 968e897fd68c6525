"""One user's view of the API: every operation by its operationId, and the usual steps by name."""

import contextlib
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from json import dumps as encode_json
from typing import Any

from harness.asks import ask, leave_out, look_for
from harness.client.absence import PAGING, refuse_absent, without_empty
from harness.client.answer import Answer, Record
from harness.client.chain_order import in_chain_order
from harness.client.http.location import follow_location, follow_redirect
from harness.client.http.transport import Body, Transport
from harness.client.left_exports import LeftExports
from harness.client.multipart import encode_form
from harness.client.routes import Routes
from harness.client.samples import Sample
from harness.client.tokens.token_source import RenewedToken
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.expect import expect_status
from harness.findings.preconditions import precondition
from harness.target.contract.without import NOTHING_WITHOUT, Without
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.target.tables.pace import NO_PACE, Pace
from harness.vocabulary.exports import EXPORT_TYPES, LEDGER, PROOF_PACK, READY, TERMINAL_STATES
from harness.waiting import wait_until

DEADLINE_S = 10.0
"""How long a request may take before the backend counts as not answering."""

EXPORT_DEADLINE_S = 20.0
"""How long a small export may take on a busy two-core machine, waiting in the queue included."""

POLL_INTERVAL_S = 0.03
_QUEUES = frozenset({"requestExport", "retryExport"})
"""The operations that put an export into the queue."""

MAX_PAGES = 100

_KEY = "idempotency-key"

MAX_LIST_BYTES = 8 * 1024 * 1024
"""Most bytes of all pages of a list together."""

StoredEvents = Callable[[str | None], Awaitable[list[Record]]]
"""Reads the events of one organization from the database: about this thing, or (None) all."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Sends one user's requests, to all API instances in turn or to one of them."""

    transport: Transport = field(repr=False)
    routes: Routes = field(repr=False)
    token: str | None = field(repr=False)
    """The bearer token; None sends none."""
    renewed: RenewedToken | None = field(default=None, repr=False)
    """Where its token is had again before it runs out; None where it cannot be."""
    instance: int | None = None
    """The only instance that gets its requests; None is round robin."""
    key_lease_s: float = 10.0
    """Within how long an idempotency key is free again whose holder died."""
    pace: Pace = NO_PACE
    """How long exports take: waits for them are longer by it."""
    left: LeftExports | None = field(default=None, repr=False, compare=False)
    """Where it notes what it requests, for a backend that is slow to make it."""
    is_shared: bool = False
    """Whether others use its organization, too: its lists may be of any length."""
    chain: ChainShape = CONTRACT_CHAIN
    """How the events of its organization's ledger follow one another."""
    stored_events: StoredEvents | None = field(default=None, repr=False)
    """Reads them from the database, for a backend whose API does not show them."""

    def at(self, instance: int | None) -> "Client":
        """The same user, sending to one instance (counted from 0) only."""
        return replace(self, instance=instance)

    def event_word(self, event_name: str) -> str:
        """The name of an event in this backend's own rows and files."""
        dialect = self.transport.dialect
        if dialect is None:
            return event_name
        return dialect.contract.word("ledger_event", "event_name", event_name)

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

    @property
    def export_types(self) -> tuple[str, ...]:
        """The types of exports that the backend has, by the contract's names."""
        for each in EXPORT_TYPES:
            look_for(f"export type {each}")
        for each in self.without.export_types:
            leave_out(f"export type {each}")
        return tuple(each for each in EXPORT_TYPES if each not in self.without.export_types)

    @property
    def light_type(self) -> str:
        """The type of export that takes least work, of those that there are."""
        return LEDGER if LEDGER in self.export_types else PROOF_PACK

    def _present_headers(self, operation_id: str, headers: Mapping[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() == _KEY and self.without.header(_KEY, operation_id):
                ask(f"header {_KEY.title()}")
                raise Absent(f"header {_KEY.title()}", "[contract.without] headers")
        return dict(headers)

    def _key(self, operation_id: str, key: str | None) -> dict[str, str] | None:
        """An idempotency key as a header; a fresh one, where there are keys, for none."""
        if key is None and self.without.header(_KEY, operation_id):
            return None
        return {_KEY: key or str(uuid.uuid4())}

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
        """Note an export that was accepted, where those that nobody waits for are canceled."""
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

    def marked(self, title: str) -> str:
        """Give a job's title, with the run's mark on a system that others use too."""
        mark = self.transport.mark
        return mark.title(title) if mark else title

    async def create_job(self, title: str = "Shakedown", *, instance: int | None = None) -> Record:
        """Make a job and give its data."""
        wanted = {"title": self.marked(title)}
        with precondition("job.created"):
            answer = await self.call("createJob", json=wanted, instance=instance)
            return expect_status(answer, 201).data

    async def upload(
        self,
        job_id: str,
        sample: Sample,
        *,
        key: str | None = None,
        form: Mapping[str, str] | None = None,
        instance: int | None = None,
    ) -> Answer:
        """Upload a file under an idempotency key (None: a fresh one). Any status is given back."""
        return await self.call(
            "uploadEvidence",
            path={"job_id": job_id},
            files={"file": sample},
            form=form,
            headers=self._key("uploadEvidence", key),
            instance=instance,
        )

    async def new_evidence(self, job_id: str, sample: Sample) -> Record:
        """Upload a file that is new to its job and give the evidence's data."""
        with precondition("upload.accepted"):
            return expect_status(await self.upload(job_id, sample), 201).data

    async def request_export(
        self,
        job_id: str,
        export_type: str = PROOF_PACK,
        *,
        filters: Mapping[str, Any] | None = None,
        key: str | None = None,
        instance: int | None = None,
    ) -> Answer:
        """Request an export. Any status is given back: 202 is a new one, 200 the live one."""
        return await self.call(
            "requestExport",
            path={"job_id": job_id, "export_type": export_type},
            json={"filters": self.sent_filters(filters or {})},
            headers={_KEY: key} if key else None,
            instance=instance,
        )

    def sent_filters(self, filters: Mapping[str, Any]) -> dict[str, Any]:
        """The filters of an export, as they are sent: none where the backend has none."""
        look_for("requestExport.filters")
        if not self.without.parameter("filters", "requestExport"):
            return dict(filters)
        leave_out("requestExport.filters")
        return {}

    async def new_export(
        self,
        job_id: str,
        export_type: str = PROOF_PACK,
        *,
        filters: Mapping[str, Any] | None = None,
    ) -> Record:
        """Request an export that is not live yet and give its data."""
        with precondition("export.requested"):
            answer = await self.request_export(job_id, export_type, filters=filters)
            return expect_status(answer, 202).data

    async def get_export(self, export_id: str, *, instance: int | None = None) -> Record:
        """Give an export's data as of now."""
        answer = await self.call("getExport", path={"export_id": export_id}, instance=instance)
        return expect_status(answer, 200).data

    async def wait_for_export(
        self,
        export_id: str,
        *,
        states: Collection[str] = (READY,),
        deadline_s: float = EXPORT_DEADLINE_S,
    ) -> Record:
        """Poll until the export is in one of `states` and give its data.

        A backend with a slow `[pace]` has longer than `deadline_s`. Fails the check at the
        deadline, or at once when it ended in another terminal state.
        """
        wanted = f"export {export_id} to become {' or '.join(sorted(states))}"
        export = Record()
        broken = self.transport.broken
        deadline_s = self.pace.wait_s(deadline_s)
        if broken is not None and READY in states:
            deadline_s = broken.wait_s("export.becomes-ready", deadline_s)

        async def is_there() -> bool:
            nonlocal export
            export = await self.get_export(export_id)
            if not isinstance(export["state"], str):  # what a backend sends may be anything
                raise CheckFailed(
                    expected="a state of the export, as text",
                    got=repr(export["state"]),
                    rule="answer.fields",
                    subject="state in getExport",
                )
            if export["state"] in TERMINAL_STATES - set(states):
                raise CheckFailed(
                    expected=wanted,
                    got=f"it became {export['state']} ({export.get('error_code')}: "
                    f"{export.get('error_message')}) at attempt {export.get('attempt')}",
                    subject="getExport",
                )
            return export["state"] in states

        def too_late(_: str) -> CheckFailed:
            return CheckFailed(
                expected=f"{wanted} within {deadline_s:g} s",
                got=f"it is still {export['state']} at attempt {export.get('attempt')}, "
                f"progress {export.get('progress')}, claimed by {export.get('claimed_by')}",
                subject="getExport",
            )

        with precondition("export.becomes-ready"):
            poll_s = self.pace.poll_s(POLL_INTERVAL_S)
            await wait_until(is_there, deadline_s, wanted, poll_s=poll_s, error=too_late)
        if self.left is not None and export["state"] in TERMINAL_STATES:
            self.left.forget(export_id)
        return export

    async def wait_for_exports(
        self,
        export_ids: Iterable[str],
        *,
        states: Collection[str] = (READY,),
        deadline_s: float = EXPORT_DEADLINE_S,
    ) -> list[Record]:
        """Wait for every one of many exports, one after the other, for so long after the last.

        How many a backend gets done at a time is its own business. The queue is first in, first
        out, so in the order of their requests most are ready by the time they are asked about:
        about one request each.
        """
        return [
            await self.wait_for_export(export_id, states=states, deadline_s=deadline_s)
            for export_id in export_ids
        ]

    async def download(
        self,
        export_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        instance: int | None = None,
    ) -> Answer:
        """Download an export's ZIP. Any status is given back."""
        return await self.call(
            "downloadExport", path={"export_id": export_id}, headers=headers, instance=instance
        )

    async def listed(
        self,
        operation_id: str,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, Any] | None = None,
        instance: int | None = None,
    ) -> list[Record]:
        """Give every item of a list operation, following `next_cursor` to the end.

        Fails the check where there is no end; `Inconclusive` where a list of an organization that
        others use is longer than the harness reads.
        """
        if self.without.has_no_pages(operation_id):
            leave_out(f"pages of {operation_id}")
            whole = {name: each for name, each in (query or {}).items() if name not in PAGING}
            answer = await self.call(operation_id, path=path, query=whole, instance=instance)
            return expect_status(answer, 200).items
        items: list[Record] = []
        cursor: str | None = None
        seen: set[str] = set()
        pages, size, goes_on = 0, 0, True
        for _ in range(MAX_PAGES):
            page = {"limit": 100} | dict(query or {}) | ({"cursor": cursor} if cursor else {})
            answer = expect_status(
                await self.call(operation_id, path=path, query=page, instance=instance), 200
            )
            more, cursor = answer.page
            items += more
            if not cursor:
                return items
            pages, size = pages + 1, size + len(answer.body)
            goes_on = isinstance(cursor, str) and cursor not in seen
            if not goes_on or size > MAX_LIST_BYTES:
                break
            seen.add(cursor)
        if self.is_shared and goes_on:
            raise Inconclusive(
                f"{operation_id} gave {len(items)} items in {pages} pages, {size} bytes, and there "
                f"are more; at most {MAX_PAGES} pages and {MAX_LIST_BYTES} bytes are read. Give a "
                "token of an organization with a shorter list"
            )
        raise CheckFailed(
            expected=f"{operation_id} to end within {MAX_PAGES} pages and "
            f"{MAX_LIST_BYTES} bytes, each page but the last with a next_cursor of its own",
            got=f"{len(items)} items in {pages} pages, then the cursor {cursor!r:.200}",
            rule="lists.whole",
            subject=operation_id,
        )

    async def ledger_events(
        self, *, target_id: str | None = None, instance: int | None = None
    ) -> list[Record]:
        """Give the organization's ledger, or the events about one thing, oldest first.

        Where no operation lists them, they are read from the database, if that is possible.
        """
        if self.stored_events is not None and "listLedgerEvents" not in self.routes:
            return await self.stored_events(target_id)
        if target_id and self.without.parameter("target_id", "listLedgerEvents"):
            leave_out("listLedgerEvents.target_id")
            events = await self.ledger_events(instance=instance)
            return [event for event in events if event["target_id"] == target_id]
        query = {"target_id": target_id} if target_id else None
        events = await self.listed("listLedgerEvents", query=query, instance=instance)
        return self.in_chain_order(events)

    def in_chain_order(self, events: list[Record]) -> list[Record]:
        """Give listed events oldest first, where the target declares that lists are not."""
        if not self.without.has_no_order("listLedgerEvents"):
            return events
        leave_out("order of listLedgerEvents")
        return in_chain_order(events, self.chain)
