"""The exports that this worker has claimed and works on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from reference_backend.manifest.document import ExportIdentity

LARGEST_ABANDONED = 1000  # what recovery has taken back in the meantime has a stale token


class ExportStopped(Exception):
    """Raised in the thread that makes an archive, when its result is no longer needed."""


@dataclass(frozen=True, kw_only=True)
class Claim(ExportIdentity):
    """One claim of one export. Only its token allows writing to the export."""

    export_type: str
    attempt: int
    claim_token: UUID

    def __str__(self) -> str:
        return f"export {self.id} (attempt {self.attempt})"


class RunningExport:
    """A claimed export while this worker works on it."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.progress = 0
        self.completing = False
        """Its completion was sent: the answer to that tells how it ended, not a heartbeat."""
        self.ended = False
        """It is completed or failed, or it was taken away: there is nothing to give back."""
        self.task: asyncio.Task[None] | None = None
        self._stopped = False

    def report_progress(self, percent: int) -> None:
        """Note the progress for the next heartbeat, from any thread. Raises ExportStopped."""
        if self._stopped:
            raise ExportStopped(str(self.claim))
        self.progress = min(percent, 99)  # 100 means ready

    def stop(self) -> None:
        """End the work: its task now, its thread when it next reports progress."""
        self._stopped = True
        if self.task is not None:
            self.task.cancel()


class RunningExports(dict[UUID, RunningExport]):
    """All of them, by claim token: one worker may work on two attempts of an export."""

    def __init__(self) -> None:
        super().__init__()
        self.instance = uuid4()
        """This worker: another one than a process that has, or had, the same name."""
        self.abandoned: deque[Claim] = deque(maxlen=LARGEST_ABANDONED)
        """Claims whose work failed and which recovery, or the drain, gives back."""

    def add(self, export: RunningExport) -> None:
        """Heartbeats for it from now on."""
        self[export.claim.claim_token] = export

    def remove(self, export: RunningExport) -> None:
        """No more heartbeats for it."""
        self.pop(export.claim.claim_token, None)


def ids_and_tokens(claims: Iterable[Claim]) -> dict[str, Any]:
    """Ids and tokens of claims, as the SQL functions of the queue take them."""
    pairs = [(claim.id, claim.claim_token) for claim in claims]
    return {"ids": [export_id for export_id, _ in pairs], "tokens": [token for _, token in pairs]}
