"""A small stream of exports through the API; each is followed until it ends."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.staging.abort import AbortWatch
from harness.checkers import PolledState
from harness.checkers.polled_states import poll_fields
from harness.client import Client, Organization, Samples
from harness.client.http.no_answer import NoAnswer
from harness.errors import CheckFailed
from harness.history import EntryType, HistoryWriter
from harness.history.entries import Poll
from harness.target.tables.chaos import Chaos
from harness.vocabulary.exports import TERMINAL_STATES

PROBE_S = 0.5
LOOK_S = 0.2
TICK_S = 0.05
PROBE_DEADLINE_S = 2.0
"""An instance that takes longer to answer a simple request counts as not answering."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An export that the API accepted."""

    export_id: str
    owner: Organization


@dataclass(kw_only=True)
class Stream:
    """Requests exports, polls them, and notes for the abort watch whether requests succeed."""

    owners: Sequence[Organization]
    samples: Samples
    chaos: Chaos
    watch: AbortWatch
    history: HistoryWriter
    process: str
    """Who requests, for the history."""
    probe_job: str
    """The job that probes ask for."""
    accepted: dict[str, Accepted] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Exports that were seen in a terminal state."""
    _last: dict[str, PolledState] = field(default_factory=dict)
    _unanswered: list[tuple[str, Organization]] = field(default_factory=list)

    @property
    def live(self) -> Mapping[str, Accepted]:
        """The accepted exports that were not seen to end."""
        return {key: each for key, each in self.accepted.items() if key not in self.ended}

    def held_by(self, workers: Collection[str]) -> int:
        """How many live exports were last seen in progress with one of these workers."""
        return sum(key in self._last and self._last[key].claimed_by in workers for key in self.live)

    async def request_all(self) -> None:
        """Request exports, one after the other, until there are enough or it is canceled."""
        for number in range(self.chaos.load_exports):
            await self._one(self.owners[number % len(self.owners)])
            await asyncio.sleep(self.chaos.load_every_s)

    async def probe(self) -> None:
        """Send a simple request again and again, until it is canceled."""
        client = self.owners[0].client
        while True:
            self.watch.probed(is_ok=await _is_served(client, self.probe_job))
            await asyncio.sleep(PROBE_S)

    async def follow(self) -> None:
        """Poll every live export again and again, until it is canceled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Poll every live export once."""
        for each in list(self.live.values()):
            try:
                shown = await each.owner.client.get_export(each.export_id)
                self._see(each, shown)
            except CheckFailed as failure:
                self.watch.requested(is_ok=not _is_outage(failure))

    async def count(self) -> None:
        """Note progress, and that there is none, also while answers are slow; until canceled."""
        known = 0
        while True:
            ended, known = len(self.ended) - known, len(self.ended)
            self.watch.looked(waiting=len(self.live), completed=ended, now=time.monotonic())
            await asyncio.sleep(TICK_S)

    async def find_unanswered(self) -> None:
        """List the exports whose requests got no answer: they may have been accepted.

        Fails the check when the list cannot be read.
        """
        for job_id, owner in self._unanswered:
            for shown in await owner.client.listed("listExports", path={"job_id": job_id}):
                export_id = str(shown["id"])
                if export_id not in self.accepted:
                    self._write("ok", owner, job=export_id, seen="in the list of its job")
                self._accept(export_id, owner)
        self._unanswered.clear()

    async def _one(self, owner: Organization) -> None:
        try:
            job_id = (await owner.new_job())["id"]
            await owner.client.new_evidence(job_id, self.samples.new())
        except CheckFailed as failure:
            self.watch.requested(is_ok=not _is_outage(failure))
            return
        self._write("invoke", owner)
        try:
            answer = await owner.client.request_export(job_id)
        except NoAnswer as failure:
            self.watch.requested(is_ok=False)
            self._write(failure.outcome, owner, error=str(failure))
            if failure.outcome == "info":
                self._unanswered.append((job_id, owner))
            return
        self.watch.requested(is_ok=answer.status < 500)
        if answer.status == 202:
            export_id = str(answer.data["id"])
            self._write("ok", owner, job=export_id)
            self._accept(export_id, owner)
        else:
            # What was answered by a 5xx may have been stored all the same.
            unsure = answer.status >= 500
            self._write("info" if unsure else "fail", owner, error=answer.describe())
            if unsure:
                self._unanswered.append((job_id, owner))

    def _accept(self, export_id: str, owner: Organization) -> None:
        self.accepted.setdefault(export_id, Accepted(export_id=export_id, owner=owner))

    def _see(self, each: Accepted, shown: Mapping[str, object]) -> None:
        attempt, owner = shown["attempt"], shown.get("claimed_by")
        sighting = PolledState(
            export_id=each.export_id,
            state=str(shown["state"]),
            attempt=attempt if isinstance(attempt, int) else 0,
            claimed_by=str(owner) if owner else None,
        )
        if sighting != self._last.get(each.export_id):
            self.history.append(Poll, **poll_fields(sighting), org=each.owner.id)
        self._last[each.export_id] = sighting
        if sighting.state in TERMINAL_STATES:
            self.ended.add(each.export_id)
            self.history.write(
                "ok" if sighting.state == "ready" else "fail",
                "getExport",
                process=self.process,
                job=each.export_id,
                org=each.owner.id,
                attempt=sighting.attempt,
                worker=sighting.claimed_by,
            )

    def _write(
        self,
        kind: EntryType,
        owner: Organization,
        *,
        job: str | None = None,
        seen: str | None = None,
        error: str | None = None,
    ) -> None:
        self.history.write(
            kind,
            "requestExport",
            process=self.process,
            org=owner.id,
            job=job,
            seen=seen,
            error=error,
        )


async def _is_served(client: Client, job_id: str) -> bool:
    try:
        answer = await client.call("getJob", path={"job_id": job_id}, deadline_s=PROBE_DEADLINE_S)
    except CheckFailed:
        return False
    return answer.status < 500


def _is_outage(failure: CheckFailed) -> bool:
    """Whether there was no usable answer; wrong answers are for other checks to judge."""
    return isinstance(failure, NoAnswer) or failure.got.startswith("5")
