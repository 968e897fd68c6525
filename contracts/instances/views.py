"""Everything that one API instance shows of an organization, to compare instances."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.shared.resources.digests import sha256_hex
from harness.client import Answer, Client, together
from harness.expect import expect, expect_equal

View = Mapping[str, Any]
"""Data by the name of the question; a refusal is its status and code."""

CHANGED_BY_WORKERS = frozenset(
    {
        "state",
        "progress",
        "attempt",
        "claimed_by",
        "heartbeat_at",
        "queue_position",
        "storage_path",
        "manifest",
        "manifest_hash",
        "error_code",
        "error_message",
        "started_at",
        "completed_at",
    }
)
"""Fields of an export that a worker may change between two requests; all others are compared."""


@dataclass(kw_only=True)
class KnownRecords:
    """The IDs of records that were made, to ask every instance for them."""

    client: Client
    workerless: bool
    """Whether there are no workers: then every field of an export must be the same."""
    jobs: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)

    async def views(self) -> list[View]:
        """Ask every instance for everything at the same time; give the views in their order."""
        return await together(self.view_of(one) for one in range(self.client.instances))

    async def view_of(self, instance: int) -> View:
        """Ask one instance for everything."""
        questions: dict[str, Awaitable[object]] = {}

        def ask(
            name: str,
            operation_id: str,
            show: Callable[[Answer], object] = _data,
            **arguments: Any,  # noqa: ANN401 - of any call
        ) -> None:
            if self.client.has(operation_id):
                questions[name] = self._asked(operation_id, show, instance, arguments)

        ask("jobs", "listJobs", _items)
        ask("ledger events", "listLedgerEvents", self._events)
        for job in self.jobs:
            path = {"job_id": job}
            ask(f"job {job}", "getJob", path=path)
            ask(f"evidence of job {job}", "listEvidence", _items, path=path)
            ask(f"exports of job {job}", "listExports", self._exports, path=path)
        for evidence in self.evidence:
            path = {"evidence_id": evidence}
            query = {"target_id": evidence}
            ask(f"evidence {evidence}", "getEvidence", path=path)
            ask(f"content of {evidence}", "getEvidenceContent", _digest, path=path)
            ask(f"events of {evidence}", "listLedgerEvents", _items, query=query)
        for export in self.exports:
            path = {"export_id": export}
            ask(f"export {export}", "getExport", lambda shown: self._export(shown.data), path=path)
            if self.workerless:
                query = {"target_id": export}
                ask(f"events of {export}", "listLedgerEvents", _items, query=query)
                ask(f"download of {export}", "downloadExport", _digest, path=path)
                ask(f"manifest of {export}", "getManifest", _digest, path=path)
                question = {"export_id": export}
                ask(f"verification of {export}", "verifyManifest", json=question)
        return dict(zip(questions, await together(questions.values()), strict=True))

    async def _asked(
        self,
        operation_id: str,
        show: Callable[[Answer], object],
        instance: int,
        arguments: Mapping[str, Any],
    ) -> object:
        answer = await self.client.call(operation_id, instance=instance, **arguments)
        return show(answer) if answer.status == 200 else (answer.status, answer.code)

    def _exports(self, answer: Answer) -> object:
        return [self._export(export) for export in answer.items]

    def _export(self, export: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.workerless:
            return export
        return {name: each for name, each in export.items() if name not in CHANGED_BY_WORKERS}

    def _events(self, answer: Answer) -> object:
        # A worker may write one between two requests.
        return [
            event
            for event in answer.items
            if self.workerless or event["event_name"] not in {"export.completed", "export.failed"}
        ]


def expect_same(views: list[View], writer: int, what: str) -> None:
    """Fail unless every instance shows the same as the one that has just written `what`."""
    expected = views[writer]
    for instance, view in enumerate(views):
        for name, shown in view.items():
            expect_equal(
                shown,
                expected[name],
                f"{name} on API instance {instance + 1}, after instance {writer + 1} {what}",
            )


def expect_everywhere(
    views: list[View], name: str, holds: Callable[[Any], bool], wanted: str
) -> None:
    """Fail unless the data called `name` is as wanted on every instance."""
    for instance, view in enumerate(views):
        expect(
            holds(view[name]),
            expected=f"{wanted} in {name} on API instance {instance + 1}",
            got=str(view[name])[:400],
        )


def ids(items: object) -> list[str]:
    """The IDs in a list; none in a refusal."""
    return [item["id"] for item in items] if isinstance(items, list) else []


def _data(answer: Answer) -> object:
    return answer.data


def _items(answer: Answer) -> object:
    return answer.items


def _digest(answer: Answer) -> object:
    return sha256_hex(answer.body)
