"""Writes on one API instance after the other, and what every instance shows after each."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from contracts.instances.views import (
    KnownRecords,
    Question,
    expect_everywhere,
    expect_same,
    ids,
    kinds,
)
from contracts.shared.exports.workerless_system import WorkerlessSystem
from harness.client import Client, Record, Samples
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations


@dataclass
class Writes:
    """Writes, each on the next instance, and after each a read of everything on every instance.

    Each read also fills the caches that must not hide the next write.
    """

    client: Client
    samples: Samples
    observe: Observations
    cover: Coverage
    cells: Cells
    workerless: WorkerlessSystem | None = None

    def __post_init__(self) -> None:
        self.known = KnownRecords(client=self.client, workerless=self.workerless is not None)
        self.turns = itertools.cycle(range(self.client.instances))

    async def run(self) -> None:
        """Make every kind of write."""
        await self.known.views()
        job = await self._create_job()
        await self._upload(job)
        await self._upload(job)
        await self._create_job()
        export_id = await self._request(job, self.client.light_type)
        if self.workerless is None:
            return
        await self._change(export_id, "cancelExport", "canceled")
        export_id = await self._request(job, "proof-pack")
        await self.workerless.claim(self.client, export_id)
        await self._seen("saw the export claimed", 0, export_id, "preparing")
        await self.workerless.fail(export_id)
        await self._seen("saw the export fail", 0, export_id, "failed")
        await self._change(export_id, "retryExport", "queued")
        await self._change(export_id, "cancelExport", "canceled")

    async def _create_job(self) -> Record:
        writer = next(self.turns)
        job = await self.client.create_job(f"Written on {writer + 1}", instance=writer)
        self.known.jobs.append(job["id"])
        await self._listed("created a job", writer, Question("jobs"), self.known.jobs)
        return job

    async def _upload(self, job: Record) -> None:
        writer = next(self.turns)
        made = await self.client.at(writer).new_evidence(job["id"], self.samples.new())
        self.known.evidence.append(made["id"])
        question = Question("evidence of job", job["id"])
        await self._listed("took an upload", writer, question, self.known.evidence)

    async def _request(self, job: Record, export_type: str) -> str:
        writer = next(self.turns)
        made = await self.client.at(writer).new_export(job["id"], export_type)
        export_id: str = made["id"]
        self.known.exports.append(export_id)
        question = Question("exports of job", job["id"])
        await self._listed("took an export request", writer, question, self.known.exports)
        return export_id

    async def _change(self, export_id: str, operation_id: str, state: str) -> None:
        writer = next(self.turns)
        path = {"export_id": export_id}
        expect_status(await self.client.call(operation_id, path=path, instance=writer), 202)
        await self._seen(f"did {operation_id}", writer, export_id, state)

    async def _listed(
        self, what: str, writer: int, question: Question, wanted: Sequence[str]
    ) -> None:
        await self._look(
            what,
            writer,
            question,
            lambda shown: sorted(ids(shown)) == sorted(wanted),
            f"just {wanted}",
        )

    async def _seen(self, what: str, writer: int, export_id: str, state: str) -> None:
        await self._look(
            what,
            writer,
            Question("export", export_id),
            lambda shown: isinstance(shown, dict) and shown.get("state") == state,
            f"state {state!r}",
        )

    async def _look(
        self,
        what: str,
        writer: int,
        question: Question,
        holds: Callable[[Any], bool],
        wanted: str,
    ) -> None:
        """Judge what every instance shows after a write, a cell for each kind of question.

        First the answer in which the write itself must be seen.
        """
        views = await self.known.views()
        cell = partial(self.cells.of, written=what)
        if question in views[writer]:
            async with cell(question=f"{question.kind}, what was written"):
                expect_everywhere(views, question, holds, wanted)
        for kind in kinds(views):
            async with cell(question=kind):
                expect_same(views, kind, writer, what)
        self._note(what)

    def _note(self, what: str) -> None:
        self.cover("seen on other instances", written=what)
        self.observe(self.client.instances, what="looks after a write")
