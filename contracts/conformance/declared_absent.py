"""Asks for what the target declares absent, past the client, which would not send it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from harness.client import Answer, Organization, Record, Samples
from harness.client.routes import Route, load_routes
from harness.errors import CheckFailed
from harness.expect import expect
from harness.findings.exchanges import recall
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Target
from harness.vocabulary.resources import RETURNED_BY

DEADLINE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class AbsenceProbe:
    """One organization's requests for what should not be there."""

    org: Organization
    target: Target
    cells: Cells
    observe: Observations
    ids: dict[str, str] = field(default_factory=dict)
    """Values for the parameters of paths."""
    answers: list[Answer] = field(default_factory=list)
    """What was answered to requests that make and read things."""

    async def make(self, samples: Samples) -> None:
        """Make one of everything that can be made, and keep the answers."""
        client = self.org.client
        job = await self.org.new_job()
        self.ids["job_id"] = str(job["id"])
        uploaded = await client.upload(self.ids["job_id"], samples.new())
        requested = await client.request_export(self.ids["job_id"], client.light_type)
        for name, answer in (("evidence_id", uploaded), ("export_id", requested)):
            self.answers.append(answer)
            if answer.status < HTTPStatus.BAD_REQUEST:
                self.ids[name] = str(answer.data["id"])
        if client.has("createJob"):
            self.answers.append(await client.call("createJob", json={"title": "Declared absent"}))
        if client.has("listLedgerEvents"):
            for event in (await client.ledger_events())[:1]:
                self.ids["event_id"] = str(event["id"])
        reads = ("getJob", "getEvidence", "getEvidenceContent", "getExport", "listExports")
        for name in (*reads, "listLedgerEvents", "getLedgerEvent", "downloadExport"):
            if client.has(name) and set(client.routes[name].parameters) <= set(self.ids):
                self.answers.append(await client.call(name, path=self.ids))

    async def look_at_operations(self) -> None:
        """Send each operation that is declared absent as the document describes it."""
        routes = load_routes(Path(self.target.contract.openapi))
        for name in sorted(self.target.contract.absent_operations):
            async with self.cells.of(operation=name):
                route = routes.get(name)
                if route is not None and set(route.parameters) <= set(self.values):
                    await self._expect_nothing(route)
                    self.observe(what="operations")

    @property
    def values(self) -> Mapping[str, str]:
        """What to fill into paths."""
        return {**self.ids, "export_type": self.org.client.light_type}

    async def _send(
        self,
        route: Route,
        *,
        values: Mapping[str, str] | None = None,
        query: Mapping[str, int] | None = None,
        json: bytes | None = None,
    ) -> Answer:
        client = self.org.client
        headers = await client.authorization()
        return await client.transport.send(
            route,
            route.path({**self.values, **(values or {})}),
            instance=0,
            deadline_s=DEADLINE_S,
            headers=headers if json is None else {**headers, "content-type": "application/json"},
            query=query,
            body=json,
        )

    async def _expect_nothing(self, route: Route) -> None:
        answer = await self._send(route)
        expect(
            not HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST,
            expected=f"no answer to {route.operation_id}, which [contract] absent declares absent",
            got=answer.describe(),
            subject=route.operation_id,
        )

    async def look_at_fields(self) -> None:
        """Look whether records show a field that is declared absent."""
        for resource, name in sorted(self.target.contract.absent_fields):
            shown = [
                record
                for answer in self.answers
                if RETURNED_BY.get(answer.operation_id) == resource
                for record in _records(answer)
            ]
            if not shown:
                continue
            async with self.cells.of(field=f"{resource}.{name}"):
                values = [record[name] for record in shown if record.get(name) is not None]
                expect(
                    not values,
                    expected=f"no {resource}.{name}, which [contract] absent declares absent",
                    got=f"{values[0]!r:.80}" if values else "",
                    subject=f"{resource}.{name}",
                )
                self.observe(what="fields")

    async def look_at_headers(self) -> None:
        """Look whether answers have a header that is declared absent."""
        for declared in self.target.contract.without.headers:
            operation_id, _, name = declared.rpartition(".")
            async with self.cells.of(header=declared):
                for answer in self.answers:
                    if operation_id in ("", answer.operation_id) and name in answer.headers:
                        recall(answer.exchange)
                        raise CheckFailed(
                            expected=f"no {name}, which [contract.without] headers declares absent",
                            got=f"{answer.headers[name]!r:.80} with {answer.describe()}",
                            subject=declared,
                        )
                self.observe(what="headers")

    async def look_at_requests(self) -> None:
        """Ask for types of exports, and for pages, that are declared absent."""
        client, without = self.org.client, self.target.contract.without
        for export_type in without.export_types:
            async with self.cells.of(export_type=export_type):
                answer = await self._send(
                    client.routes["requestExport"], values={"export_type": export_type}, json=b"{}"
                )
                expect(
                    answer.status >= HTTPStatus.BAD_REQUEST,
                    expected=f"no export of type {export_type}, which [contract.without] "
                    "export_types declares absent",
                    got=answer.describe(),
                    subject=export_type,
                )
                self.observe(what="types of exports")
        if without.has_no_pages("listJobs") and client.has("createJob") and client.has("listJobs"):
            async with self.cells.of(pages="listJobs"):
                every = await client.listed("listJobs")
                page = await self._send(client.routes["listJobs"], query={"limit": 1})
                gave_a_part = page.status < HTTPStatus.BAD_REQUEST and len(page.items) < len(every)
                expect(
                    not gave_a_part,
                    expected=f"a list without pages, as [contract.without] pages declares: "
                    f"{len(every)} jobs",
                    got=page.describe(),
                    subject="listJobs",
                )
                self.observe(what="pages")


def _records(answer: Answer) -> list[Record]:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return []
    document = answer.document
    data = document.get("data")
    return [data] if isinstance(data, Record) else answer.items
