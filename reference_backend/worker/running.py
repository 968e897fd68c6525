"""The exports this worker holds a claim on: what its parts tell each other about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from reference_backend.manifest.document import ExportIdentity


class ExportStopped(Exception):
    """Raised inside the work's thread: nobody wants its result any more."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of one export. The token is the right to write; it is this claim's alone."""

    export: ExportIdentity
    export_type: str
    attempt: int
    token: UUID

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Claim:
        """From a row of ``queries/claim.sql`` or of the fallback."""
        return cls(
            export=ExportIdentity.from_row(row),
            export_type=row["export_type"],
            attempt=row["attempt"],
            token=row["claim_token"],
        )

    def __str__(self) -> str:
        return f"export {self.export.export_id} (attempt {self.attempt})"


class RunningExport:
    """A claimed export while this worker is at it."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.progress = 0
        self.settling = False
        """Its completion is on the way: the answer to that, not a heartbeat, tells how it ended."""
        self.task: asyncio.Task[None] | None = None
        self._stopped = False

    def report_progress(self, percent: int) -> None:
        """Called by the work's thread; the next heartbeat carries it. Raises ExportStopped."""
        if self._stopped:
            raise ExportStopped(str(self.claim))
        self.progress = min(percent, 99)  # 100 is for what is ready

    def stop(self) -> None:
        """End the work: its task now, its thread at the next report."""
        self._stopped = True
        if self.task is not None:
            self.task.cancel()


class RunningExports:
    """All of them, by export."""

    def __init__(self) -> None:
        self._jobs: dict[UUID, RunningExport] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[RunningExport]:
        return iter(list(self._jobs.values()))

    def add(self, job: RunningExport) -> None:
        """From now on its heartbeats are sent."""
        self._jobs[job.claim.export.export_id] = job

    def remove(self, job: RunningExport) -> None:
        """No more heartbeats. A newer claim of the same export is left alone."""
        if self._jobs.get(job.claim.export.export_id) is job:
            del self._jobs[job.claim.export.export_id]
