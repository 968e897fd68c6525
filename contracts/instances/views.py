"""Everything that one API instance shows of an organization, to compare instances."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contracts.shared.resources.digests import sha256_hex
from harness.client import Answer, Client, together
from harness.expect import expect, expect_equal


class Question(NamedTuple):
    """What an instance is asked: a kind of question, and the ID that it is about, if any."""

    kind: str
    id: str = ""

    def __str__(self) -> str:
        """Its name in messages."""
        return f"{self.kind} {self.id}".strip()


View = Mapping[Question, Any]
"""Data by question; a refusal is its status and code."""

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
        questions: dict[Question, Awaitable[object]] = {}

        def ask(
            question: Question,
            operation_id: str,
            show: Callable[[Answer], object] = _data,
            **arguments: Any,  # noqa: ANN401 - of any call
        ) -> None:
            filtered = "target_id" in arguments.get("query", {})
            if filtered and self.client.without.parameter("target_id", operation_id):
                return  # the whole list is asked for anyway
            if self.client.has(operation_id):
                questions[question] = self._asked(operation_id, show, instance, arguments)

        ask(Question("jobs"), "listJobs", _items)
        ask(Question("ledger events"), "listLedgerEvents", self._events)
        for job in self.jobs:
            path = {"job_id": job}
            ask(Question("job", job), "getJob", path=path)
            ask(Question("evidence of job", job), "listEvidence", _items, path=path)
            ask(Question("exports of job", job), "listExports", self._exports, path=path)
        for evidence in self.evidence:
            path = {"evidence_id": evidence}
            query = {"target_id": evidence}
            ask(Question("evidence", evidence), "getEvidence", path=path)
            ask(Question("content of evidence", evidence), "getEvidenceContent", _digest, path=path)
            ask(Question("events of evidence", evidence), "listLedgerEvents", _items, query=query)
        for export in self.exports:
            path = {"export_id": export}
            ask(
                Question("export", export),
                "getExport",
                lambda shown: self._export(shown.data),
                path=path,
            )
            if self.workerless:
                query = {"target_id": export}
                ask(Question("events of export", export), "listLedgerEvents", _items, query=query)
                ask(Question("download of export", export), "downloadExport", _digest, path=path)
                ask(Question("manifest of export", export), "getManifest", _digest, path=path)
                about = {"export_id": export}
                ask(Question("verification of export", export), "verifyManifest", json=about)
        return dict(zip(questions, await together(questions.values()), strict=True))

    async def _asked(
        self,
        operation_id: str,
        show: Callable[[Answer], object],
        instance: int,
        arguments: Mapping[str, Any],
    ) -> object:
        called = self.client.call(operation_id, instance=instance, **arguments)
        answer = (await called).followed()
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


def kinds(views: list[View]) -> list[str]:
    """Give the kinds of questions that were asked, each once."""
    return list(dict.fromkeys(question.kind for view in views for question in view))


def expect_same(views: list[View], kind: str, writer: int, what: str) -> None:
    """Fail unless every instance answers a kind of question as the one that has just written."""
    expected = views[writer]
    for instance, view in enumerate(views):
        for question, shown in view.items():
            if question.kind == kind:
                expect_equal(
                    shown,
                    expected[question],
                    "the same from every API instance",
                    detail=f"{question} on API instance {instance + 1}, after instance "
                    f"{writer + 1} {what}",
                    subject=kind,
                )


def expect_everywhere(
    views: list[View], question: Question, holds: Callable[[Any], bool], wanted: str
) -> None:
    """Fail unless the answer to a question is as wanted on every instance."""
    for instance, view in enumerate(views):
        expect(
            holds(view[question]),
            expected="what was just written, from every API instance",
            got=str(view[question])[:400],
            detail=f"{wanted} in {question} on API instance {instance + 1}",
            subject=question.kind,
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
