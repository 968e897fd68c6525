"""Looks at the exports of a drill over HTTP, where there is no access to its database.

It sees less: where each export ends, at which attempt, with which events and bytes; not the changes
in between, nor which worker holds an export.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chaos.exports.backlog import Backlog
from chaos.exports.final_state import Snapshot
from chaos.exports.view import InProgress, IsOverdue, known_attempt
from harness.checkers import ExportFact, ExportFacts, RecoveryTimes
from harness.checkers.read_api import get_completions, get_exports
from harness.client import NoAnswer, Organization
from harness.target.tables.pace import NO_PACE, Pace
from harness.vocabulary.exports import FAILED, PREPARING, TERMINAL_STATES
from harness.waiting import becomes_true

UNKNOWN_WORKER = "its worker"
"""The owner of every export in progress: the API does not show it."""

WRITE_DEADLINE_S = 2.0
"""How long a write may take before the frozen worker counts as blocking others."""

WORK_S = 15.0
"""How long all the work that is left may take once it can be claimed."""

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class HttpView:
    """Sees what any client sees."""

    backlog: Backlog
    times: RecoveryTimes
    bystander: Organization
    """Has nothing to do with the exports, and finds out whether a client can write."""
    pace: Pace = NO_PACE
    """How long exports take."""
    shows_workers: bool = False
    run_for_s: Sequence[float] = (0.1, 0.3, 0.6)
    moment_s: float = 0.05
    _ended: set[str] = field(default_factory=set)
    """The exports that were seen to have ended for good, which need not be read again."""

    @property
    def settle_s(self) -> float:
        """The stuck timeout: by then a worker has surely learned that it has lost its exports."""
        return self.times.stuck_timeout_s

    async def observed(self) -> ExportFacts:
        """Give exports and completions as the API shows them now."""
        return ExportFacts(
            exports=await self._facts(self.backlog.owners),
            completions=await get_completions(self.backlog.owners),
            transitions=None,
        )

    async def live(self) -> Sequence[ExportFact]:
        """Give every export that has not ended."""
        facts = await self._facts(self.backlog.owners.keys() - self._ended)
        over = TERMINAL_STATES - {FAILED}  # what has failed may be retried
        self._ended.update(each.id for each in facts if each.state in over)
        return [each for each in facts if each.state not in TERMINAL_STATES]

    async def in_progress(self) -> Sequence[InProgress]:
        """Give every export in progress, as if the heartbeat were of this moment."""
        now = await self.now()
        return [
            InProgress(
                export_id=each.id,
                attempt=known_attempt(each.attempt),
                worker=UNKNOWN_WORKER,
                heartbeat_at=now,
            )
            for each in await self.live()
            if each.state == PREPARING
        ]

    async def heartbeats(self, _worker: str) -> Mapping[str, object]:
        """Give the heartbeat that the API shows of each export in progress."""
        shown = await get_exports(self.backlog.owners.keys() - self._ended, self.backlog.owners)
        return {
            name: each.get("heartbeat_at")
            for name, each in shown.items()
            if each["state"] == PREPARING
        }

    async def blocks_others(self) -> bool:
        """Whether a client cannot write: the frozen worker holds its locks."""
        client = self.bystander.client
        try:
            job = {"title": client.marked("a write")}
            answer = await client.call("createJob", json=job, deadline_s=WRITE_DEADLINE_S)
        except NoAnswer:
            return True
        return answer.status != 201

    async def now(self) -> datetime:
        """Give the time by this machine's clock."""
        return datetime.now(UTC)

    async def snapshot(self) -> Snapshot:
        """Give the data, the events and the bytes of every export."""
        shown: dict[str, object] = {}
        for each, owner in self.backlog.owners.items():
            shown[f"export {each}"] = dict(await owner.client.get_export(each))
            shown[f"events of {each}"] = await owner.client.ledger_events(target_id=each)
            shown[f"bytes of {each}"] = (await owner.client.download(each)).followed().body
        return shown

    async def wait_until_ended(self, times: RecoveryTimes, _: IsOverdue) -> ExportFacts:
        """Wait until every export has ended, or should have; give what is there."""
        work_s = self.pace.wait_s(WORK_S, len(self.backlog.owners))
        within_s = times.stuck_timeout_s + times.sweep_interval_s + times.slack_s + work_s

        async def is_ended() -> bool:
            return not await self.live()

        await becomes_true(is_ended, within_s, poll_s=_POLL_S)
        return await self.observed()

    async def _facts(self, exports: Collection[str]) -> list[ExportFact]:
        owners = self.backlog.owners
        shown = await get_exports(exports, owners)
        return [ExportFact.from_api(each, owners[name].id) for name, each in shown.items()]
