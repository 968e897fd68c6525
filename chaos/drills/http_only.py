"""Drills of workers as anybody can see them over HTTP, where nobody may look into the database.

They see less than a trigger sees: where each export ends, by how many attempts, with which events
and bytes. What happens in between they cannot tell.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from chaos.exports.backlog import Backlog
from chaos.exports.final_state import broken_downloads
from harness.checkers import ExportFact, RecoveryTimes, exactly_once
from harness.checkers.read_api import get_completions, get_exports
from harness.checkers.violations import Violation
from harness.client import NoAnswer, Organization, Record
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.system import Instance
from harness.target import Capability, Target
from harness.vocabulary.exports import PREPARING, TERMINAL_STATES

EVIDENCE_BYTES = 10 * 1024 * 1024
"""Of the evidence of each proof pack: a worker is at it for long enough to be caught."""

FREEZE_DEADLINE_S = 30.0
"""How long it may take until workers have been frozen with exports in their hands."""

RUN_FOR_S = (0.1, 0.3, 0.6)
"""How long a worker runs before it is frozen again, if it is not seen at work sooner."""

WRITING_S = 2.0
"""How long a write may take before the frozen worker counts as holding everybody up."""

WORK_S = 15.0
"""How long all the work that is left may take once it can be taken up."""

FIRST_ORGANIZATIONS = 2
_POLL_S = 0.05
_GLANCE_S = 0.002


def is_http_only(target: Target) -> bool:
    """Whether a drill of this target has to do without its database.

    Either nobody may look into it, or the target file does not say what is to be seen there.
    """
    is_told = target.claim is not None and target.ledger is not None and target.database.instrument
    return not is_told or Capability.DATABASE_CONTROL not in target.capabilities()


@dataclass(frozen=True, kw_only=True)
class Drill:
    """A system of a drill's own, and all exports that were requested of it."""

    own: OwnSystem
    backlog: Backlog
    times: RecoveryTimes
    max_attempts: int
    bystander: Organization
    """Has nothing to do with the exports, and finds out whether anybody can write."""
    ended: set[str] = field(default_factory=set)
    """The exports that were seen to have ended, which need not be asked for again."""

    async def exports(self) -> dict[str, Record]:
        """Every export as the API shows it now, by its id."""
        return await get_exports(self.backlog.owners, self.backlog.owners)

    async def live(self) -> dict[str, Record]:
        """The exports that have not ended."""
        owners = self.backlog.owners
        shown = await get_exports([each for each in owners if each not in self.ended], owners)
        self.ended.update(name for name, one in shown.items() if one["state"] in TERMINAL_STATES)
        return {name: one for name, one in shown.items() if name not in self.ended}

    async def held(self) -> dict[str, Record]:
        """The exports that are in progress."""
        live = await self.live()
        return {name: one for name, one in live.items() if one["state"] == PREPARING}

    async def freeze(self, worker: Instance) -> None:
        """Freeze a worker where it holds nobody up. `Inconclusive` when there is no such place."""
        until = time.monotonic() + FREEZE_DEADLINE_S
        while True:
            await self.own.system.pause(worker)
            if await self._can_write():
                return
            if time.monotonic() > until:
                raise Inconclusive(
                    f"whenever {worker.name} is frozen nobody can write: it can be no bystander"
                )
            await self.own.system.resume(worker)
            await asyncio.sleep(_POLL_S)

    async def catch(self, worker: Instance) -> dict[str, Record]:
        """Let a frozen worker, alone at work, go on until it has exports in progress; give those.

        It is frozen again then.

        `Inconclusive` when it is too fast to be caught.
        """
        until = time.monotonic() + FREEZE_DEADLINE_S
        await self._have_work()
        before = await self.held()
        glimpses = cycle(RUN_FOR_S)
        while True:
            await self.own.system.resume(worker)
            seen_by = time.monotonic() + next(glimpses)
            while not _newly(await self.held(), before) and time.monotonic() < seen_by:
                await asyncio.sleep(_GLANCE_S)
            await self.freeze(worker)
            mine = _newly(await self.held(), before)
            # After its last attempt an export rightly fails: that is not what is looked for.
            if mine and all(one["attempt"] < self.max_attempts for one in mine.values()):
                return mine
            if time.monotonic() > until:
                raise Inconclusive(
                    f"{worker.name} was never seen with an export in progress within "
                    f"{FREEZE_DEADLINE_S:g} s and {len(self.backlog.owners)} exports"
                )
            await self._have_work()

    async def _have_work(self) -> None:
        """See to it that a worker finds something: what is queued may be over a tenant's share."""
        live, owners = await self.live(), self.backlog.owners
        busy = {owners[name].id for name, one in live.items() if one["state"] == PREPARING}
        if not any(
            one["state"] == "queued" and owners[name].id not in busy for name, one in live.items()
        ):
            await self.backlog.grow(1)

    async def _can_write(self) -> bool:
        """Whether the frozen worker leaves the others their database.

        Frozen with locks in its hands, it would hold up those who are judged.
        """
        client = self.bystander.client
        try:
            asked = {"title": client.marked("a write")}
            answer = await client.call("createJob", json=asked, deadline_s=WRITING_S)
        except NoAnswer:
            return False
        return answer.status == 201

    async def until_done(self) -> dict[str, Record]:
        """Wait until no export is live, or should not have been for long; give what is there."""
        until = time.monotonic() + self.within_s
        while await self.live() and time.monotonic() < until:
            await asyncio.sleep(_POLL_S)
        return await self.exports()

    @property
    def within_s(self) -> float:
        """How long everything may take from the moment on at which there is a healthy worker."""
        times = self.times
        return times.stuck_timeout_s + times.sweep_interval_s + times.slack_s + WORK_S

    async def told(self) -> Mapping[str, object]:
        """All that the API tells of the exports, for comparing: data, events, and their bytes."""
        return dict(
            [
                pair
                for each, owner in self.backlog.owners.items()
                for pair in (
                    (f"export {each}", dict(await owner.client.get_export(each))),
                    (f"the events of {each}", await owner.client.ledger_events(target_id=each)),
                    (f"the bytes of {each}", (await owner.client.download(each)).body),
                )
            ]
        )

    async def violations(
        self, shown: Mapping[str, Record], orphans: Mapping[str, Record], harmed: Collection[str]
    ) -> list[Violation]:
        """All that is wrong at the end: lost, doubled, damaged, or finished by nobody alive."""
        ids = list(self.backlog.owners)
        completions = await get_completions(self.backlog.owners)
        found = exactly_once(
            ids, map(ExportFact.from_api, shown.values()), completions, harmed=harmed
        )
        found += [
            Violation(
                rule="attempts",
                subject=name,
                expected=f"export {name}, in progress at attempt {orphan['attempt']} when its "
                "worker could not go on, to be claimed anew and be ready at a later attempt",
                got=ExportFact.from_api(shown[name]).describe(),
            )
            for name, orphan in orphans.items()
            if shown[name]["attempt"] <= orphan["attempt"]
        ]
        ready = [name for name, export in shown.items() if export["state"] == "ready"]
        return [*found, *await broken_downloads(ready, self.backlog.owners)]


def _newly(held: Mapping[str, Record], before: Mapping[str, Record]) -> dict[str, Record]:
    """What somebody has claimed since."""
    return {
        name: one
        for name, one in held.items()
        if name not in before or one["attempt"] > before[name]["attempt"]
    }


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What the API tells differently now, a line each."""
    return [
        f"{what} changed: {_change(then, after.get(what))}"
        for what, then in before.items()
        if then != after.get(what)
    ]


def _change(then: Any, now: Any) -> str:  # noqa: ANN401 - JSON, or bytes
    match then, now:
        case dict(), dict():
            changed = [name for name in {**then, **now} if then.get(name) != now.get(name)]
            return "; ".join(
                f"{name} {then.get(name)!r}, now {now.get(name)!r}" for name in changed
            )
        case list(), list():
            return f"{[_name(each) for each in then]}, now {[_name(each) for each in now]}"
        case bytes(), bytes():
            return f"{len(then)} bytes, now {len(now)} others"
    return f"{then!r:.200}, now {now!r:.200}"


def _name(event: Mapping[str, Any]) -> str:
    return f"{event.get('ledger_seq')} {event.get('event_name')}"


def names_of(workers: Sequence[Instance]) -> str:
    """The workers, for messages."""
    return ", ".join(worker.name for worker in workers)
