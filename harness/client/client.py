"""One user's view of the API: the usual steps by name, beside every operation by its id."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.asks import leave_out, look_for
from harness.client.absence import PAGING
from harness.client.answers.answer import Answer
from harness.client.answers.chain_order import in_chain_order
from harness.client.answers.pages import read_pages
from harness.client.answers.record import Record
from harness.client.caller import KEY_HEADER, Caller
from harness.client.export_wait import wait_for_state
from harness.client.samples import Sample
from harness.expect import expect_status
from harness.findings.preconditions import precondition
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.target.tables.pace import NO_PACE, Pace
from harness.vocabulary.exports import EXPORT_TYPES, LEDGER, PROOF_PACK, READY, TERMINAL_STATES

EXPORT_DEADLINE_S = 20.0
"""How long a small export may take on a busy two-core machine, waiting in the queue included."""

POLL_INTERVAL_S = 0.03

StoredEvents = Callable[[str | None], Awaitable[list[Record]]]
"""Reads the events of one organization from the database: about this thing, or (None) all."""


@dataclass(frozen=True, kw_only=True)
class Client(Caller):
    """One user, with what a check does as this user."""

    key_lease_s: float = 10.0
    """Within how long an idempotency key is free again whose holder died."""
    pace: Pace = NO_PACE
    """How long exports take: waits for them are longer by it."""
    is_shared: bool = False
    """Whether others use its organization, too: its lists may be of any length."""
    chain: ChainShape = CONTRACT_CHAIN
    """How the events of its organization's ledger follow one another."""
    stored_events: StoredEvents | None = field(default=None, repr=False)
    """Reads them from the database, for a backend whose API does not show them."""

    def event_word(self, event_name: str) -> str:
        """The name of an event in this backend's own rows and files."""
        dialect = self.transport.dialect
        if dialect is None:
            return event_name
        return dialect.contract.word("ledger_event", "event_name", event_name)

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

    def _key(self, operation_id: str, key: str | None) -> dict[str, str] | None:
        """An idempotency key as a header; a fresh one, where there are keys, for none."""
        if key is None and self.without.header(KEY_HEADER, operation_id):
            return None
        return {KEY_HEADER: key or str(uuid.uuid4())}

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
            headers={KEY_HEADER: key} if key else None,
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
        broken = self.transport.broken
        deadline_s = self.pace.wait_s(deadline_s)
        if broken is not None and READY in states:
            deadline_s = broken.wait_s("export.becomes-ready", deadline_s)
        with precondition("export.becomes-ready"):
            export = await wait_for_state(
                export_id,
                lambda: self.get_export(export_id),
                states,
                deadline_s=deadline_s,
                poll_s=self.pace.poll_s(POLL_INTERVAL_S),
                logs=self.transport.workers_begun(),
            )
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
        return await read_pages(
            lambda page: self.call(operation_id, path=path, query=page, instance=instance),
            operation_id,
            query or {},
            is_shared=self.is_shared,
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
