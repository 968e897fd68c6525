"""Everything that one API instance shows of an organization: to be the same on all of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.shared.resources.digests import sha256_hex
from harness.client import Answer, Client, together
from harness.expect import expect, expect_equal

View = Mapping[str, Any]
"""What was shown by the name of what was asked; what was refused is its status and code."""

MOVES = frozenset(
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
"""What a worker changes in an export whenever it likes."""


@dataclass(kw_only=True)
class Estate:
    """What is known to be there, so that there is something to ask for by its id."""

    client: Client
    workerless: bool
    """Whether nobody works on exports: then two looks at one must be the same in everything."""
    jobs: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)

    async def seen_by_all(self) -> list[View]:
        """Ask every instance for everything at once; give what each one shows, in their order."""
        return await together(self.seen_by(one) for one in range(self.client.instances))

    async def seen_by(self, instance: int) -> View:
        """Ask one instance for everything."""
        questions: dict[str, Awaitable[object]] = {}

        def ask(
            name: str,
            operation_id: str,
            show: Callable[[Answer], object] = _data,
            **arguments: Any,  # noqa: ANN401 - of any call
        ) -> None:
            questions[name] = self._asked(operation_id, show, instance, arguments)

        ask("the jobs", "listJobs", _items)
        ask("the ledger", "listLedgerEvents", self._events)
        for job in self.jobs:
            path = {"job_id": job}
            ask(f"job {job}", "getJob", path=path)
            ask(f"the evidence of job {job}", "listEvidence", _items, path=path)
            ask(f"the exports of job {job}", "listExports", self._exports, path=path)
        for evidence in self.evidence:
            path = {"evidence_id": evidence}
            query = {"target_id": evidence}
            ask(f"evidence {evidence}", "getEvidence", path=path)
            ask(f"the content of {evidence}", "getEvidenceContent", _digest, path=path)
            ask(f"the events of {evidence}", "listLedgerEvents", _items, query=query)
        for export in self.exports:
            path = {"export_id": export}
            ask(f"export {export}", "getExport", lambda shown: self._export(shown.data), path=path)
            if self.workerless:
                query = {"target_id": export}
                ask(f"the events of {export}", "listLedgerEvents", _items, query=query)
                ask(f"the download of {export}", "downloadExport", _digest, path=path)
                ask(f"the manifest of {export}", "getManifest", _digest, path=path)
                question = {"export_id": export}
                ask(f"the verification of {export}", "verifyManifest", json=question)
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
        return {name: value for name, value in export.items() if name not in MOVES}

    def _events(self, answer: Answer) -> object:
        # A worker may write one between two looks.
        return [
            event
            for event in answer.items
            if self.workerless or event["event_name"] not in {"export.completed", "export.failed"}
        ]


def expect_same(views: list[View], writer: int, what: str) -> None:
    """Fail unless every instance shows what the one shows that has just written `what`."""
    told = views[writer]
    for instance, view in enumerate(views):
        for name, shown in view.items():
            expect_equal(
                shown,
                told[name],
                f"{name} on API instance {instance + 1} once instance {writer + 1} {what}",
            )


def expect_everywhere(
    views: list[View], name: str, holds: Callable[[Any], bool], wanted: str
) -> None:
    """Fail unless what is called `name` is as wanted on every instance."""
    for instance, view in enumerate(views):
        expect(
            holds(view[name]),
            expected=f"{wanted} in {name} on API instance {instance + 1}",
            got=str(view[name])[:400],
        )


def ids(items: object) -> list[str]:
    """The ids in a list that was shown; none in a refusal."""
    return [item["id"] for item in items] if isinstance(items, list) else []


def _data(answer: Answer) -> object:
    return answer.data


def _items(answer: Answer) -> object:
    return answer.items


def _digest(answer: Answer) -> object:
    return sha256_hex(answer.body)
