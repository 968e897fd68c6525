"""The steps of one interleaving: what is sent for each, and what is read from the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from harness.errors import Misconfigured
from harness.explore.protocol.statement import Statement
from harness.explore.running import sql_results
from harness.explore.running.explored_database import ExploredDatabase
from harness.explore.running.lock_waits import settle
from harness.explore.running.session import SqlResults
from harness.explore.running.sql_errors import OPENING
from harness.explore.scripts.scenario import (
    OWNER_KINDS,
    RECOVERY_KINDS,
    TRANSACTION_ENDS,
    Act,
    Kind,
    Scenario,
)
from harness.explore.trace import (
    FRESH,
    LETTERS,
    Call,
    Committed,
    Ended,
    Event,
    Hold,
    Moment,
    Snapshot,
    Trace,
)


@dataclass(kw_only=True)
class Run:
    """The workers' steps on a queue that was filled for them, and everything that happened."""

    database: ExploredDatabase
    scenario: Scenario
    before: Snapshot
    """The queue as it was filled."""
    schedule: list[int] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    """How many steps of its script each worker has begun."""
    moments: list[Moment] = field(default_factory=list)
    pending: dict[int, Call] = field(default_factory=dict)
    """Steps under way, by worker."""
    open: dict[int, list[Ended]] = field(default_factory=dict)
    """Open transactions: what has been done in them."""
    failed: set[int] = field(default_factory=set)
    """Workers whose open transaction can only be rolled back."""
    held: dict[int, tuple[Hold, ...]] = field(default_factory=dict)
    """What each worker's latest claim returned, taken away since or not."""

    @classmethod
    async def begin(cls, database: ExploredDatabase, scenario: Scenario) -> Self:
        """Fill the queue for a scenario."""
        return cls(database=database, scenario=scenario, before=await database.set_up(scenario))

    def __post_init__(self) -> None:
        self.places = dict.fromkeys(range(len(self.scenario.scripts)), 0)

    def able(self) -> list[int]:
        """Who has steps left and does not wait."""
        return [
            worker
            for worker, place in self.places.items()
            if worker not in self.pending and place < self.scenario.lengths[worker]
        ]

    def stuck(self) -> bool:
        """Whether a worker waits although no worker has a step left."""
        return bool(self.pending)

    def name(self, worker: int) -> str:
        """The name that a worker uses."""
        if worker == FRESH:
            return "worker-fresh"
        return f"worker-{'A' if self.scenario.one_name else LETTERS[worker]}"

    def trace(self) -> Trace:
        """Everything that happened."""
        workers = [*range(len(self.scenario.scripts)), FRESH]
        protocol = self.database.protocol
        return Trace(
            scenario=self.scenario,
            before=self.before,
            moments=tuple(self.moments),
            schedule=tuple(self.schedule),
            names={worker: self.name(worker) for worker in workers if protocol.claim.names_worker},
            kinds=protocol.kinds(),
            attempts=protocol.recover.attempts if protocol.recover else None,
            takes_over=protocol.takes_over,
        )

    def latest(self) -> Snapshot:
        """The state after the latest change."""
        found = (moment.after for moment in reversed(self.moments) if moment.after is not None)
        return next(found, self.before)

    async def step(self, worker: int, act: Act, limit: int | None = None) -> None:
        """Do one step, and record everything that happens."""
        holds = self.held.get(worker, ()) if act.kind in OWNER_KINDS else ()
        wanted = (limit or self.scenario.limit) if act.kind is Kind.CLAIM else None
        number = len(self.moments) + 1
        call = Call(number=number, worker=worker, act=act, holds=holds, limit=wanted)
        if self._has_nothing_to_do(call):
            self.moments.append(Moment(call=call, idle=True, open=frozenset(self.open)))
            return
        events: list[Event] = []
        if act.kind in (Kind.AGE, Kind.RECLAIM):
            aged = await self.database.age()
            hour = replace(call, act=Act(kind=Kind.AGE))
            events += [Ended(call=hour, took=aged)]
        if act.kind is not Kind.AGE:
            session = self.database.workers[worker]
            session.send(self._text(call))
            self.pending[worker] = call
            if act.held:
                self.open[worker] = []
        waits = await self._settle(worker, events)
        changed = any(isinstance(event, Committed) for event in events)
        # Ageing changes what the state query may select besides.
        changed = changed or act.kind in (Kind.AGE, Kind.RECLAIM)
        self.moments.append(
            Moment(
                call=call,
                events=tuple(events),
                waits_for=waits,
                open=frozenset(self.open),
                after=await self.database.look() if changed else None,
            )
        )

    def _has_nothing_to_do(self, call: Call) -> bool:
        if call.kind in TRANSACTION_ENDS:
            return call.worker not in self.open
        return call.kind in OWNER_KINDS and not call.holds

    def _text(self, call: Call) -> str:
        if call.kind in TRANSACTION_ENDS:
            if call.worker in self.failed:
                return "ROLLBACK"
            return call.kind.value.upper()
        text = ";\n".join(self._statements(call))
        return f"{OPENING}{text}" if call.act.held else text

    def _statements(self, call: Call) -> list[str]:
        protocol, worker = self.database.protocol, self.name(call.worker)
        timeout_s = round(protocol.recover.timeout_s) if protocol.recover else 300
        if call.kind is Kind.CLAIM:
            values = {"worker": worker, "limit": call.limit, "cap": self.scenario.cap}
            return [Statement(sql=protocol.claim.sql).fill({**values, "timeout_s": timeout_s})]
        if call.kind in RECOVERY_KINDS:
            assert protocol.recover is not None
            values = {"worker": worker, "limit": 100, "timeout_s": timeout_s}
            return [Statement(sql=protocol.recover.sql).fill(values)]
        step = protocol.owner_step(call.kind)
        assert step is not None
        return [
            Statement(sql=step.sql).fill(
                {
                    "worker": worker,
                    "export_id": hold.export,
                    "token": hold.token,
                    "timeout_s": timeout_s,
                }
            )
            for hold in call.holds
        ]

    async def _settle(self, current: int, events: list[Event]) -> dict[int, tuple[int, ...]]:
        """Wait until all have ended or wait; give who waits for whom."""
        workers = self.database.workers
        numbers = {session.pid: worker for worker, session in workers.items()}
        sessions = [workers[worker] for worker in self.pending]
        waits = await settle(self.database.observer, sessions, numbers)
        ended = [worker for worker in self.pending if not workers[worker].busy]
        # The step itself first: what had waited goes on because of it.
        for worker in sorted(ended, key=lambda each: (each != current, workers[each].ended_at)):
            self._end(self.pending.pop(worker), workers[worker].answer(), events)
        return {
            numbers[pid]: tuple(numbers[blocker] for blocker in blockers)
            for pid, blockers in waits.items()
        }

    def _end(self, call: Call, answer: SqlResults, events: list[Event]) -> None:
        worker = call.worker
        if call.kind in TRANSACTION_ENDS:
            steps = self.open.pop(worker)
            whole = worker not in self.failed and answer.error is None
            self.failed.discard(worker)
            events.append(Ended(call=call, error=answer.error))
            if call.kind is Kind.COMMIT and whole:
                self._commit(steps, events)
            return
        ended = self._read(call, answer)
        events.append(ended)
        if call.act.held:
            self.open[worker].append(ended)
            if ended.error is not None:
                self.failed.add(worker)
        elif ended.error is None:
            self._commit([ended], events)

    def _commit(self, steps: Sequence[Ended], events: list[Event]) -> None:
        for step in steps:
            if step.claimed:
                self.held[step.call.worker] = step.claimed
        events.append(Committed(steps=tuple(steps)))

    def _read(self, call: Call, answer: SqlResults) -> Ended:
        if answer.error is not None and answer.error.is_mistake_in_text:
            raise Misconfigured(f"[{_section(call.kind)}] sql: {answer.error}")
        if answer.error is not None:
            return Ended(call=call, error=answer.error)
        protocol = self.database.protocol
        if call.kind is Kind.CLAIM:
            return Ended(call=call, claimed=sql_results.claimed(protocol, answer))
        if call.kind in RECOVERY_KINDS:
            assert protocol.recover is not None
            return Ended(call=call, took=sql_results.took(protocol.recover.id, answer))
        if call.act.held:
            answer = replace(answer, results=answer.results[1:])  # without that of BEGIN
        return Ended(call=call, acknowledged=sql_results.acknowledged(answer, len(call.holds)))


def _section(kind: Kind) -> str:
    return Kind.RECOVER.value if kind is Kind.RECLAIM else kind.value
