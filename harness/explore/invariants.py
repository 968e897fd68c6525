"""What must hold in every interleaving: pure functions from a trace to what it broke.

The trace is followed event by event, keeping book of who owns what. Only committed claims count
as ownership; an answer is judged by what was committed when it came.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from harness.explore.protocol import State
from harness.explore.scenario import ENDING_KINDS, OWNER_KINDS, Kind
from harness.explore.short_names import ShortNames
from harness.explore.trace import (
    Committed,
    Ended,
    ExportState,
    Hold,
    Moment,
    Snapshot,
    Trace,
)
from harness.explore.violation import Violation


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Who owns an export, by which claim."""

    worker: int
    hold: Hold


def violations(trace: Trace, state: State, seen_tokens: Set[str] = frozenset()) -> list[Violation]:
    """Give everything that an interleaving broke, in the order in which it did.

    `seen_tokens` are those of earlier interleavings on the same database.
    """
    book = _Book(trace=trace, state=state, seen_tokens=seen_tokens)
    for moment in trace.moments:
        book.follow(moment)
    book.conclude()
    return book.found


def issued_tokens(trace: Trace) -> Iterator[str]:
    """Give the tokens of all claims, whatever became of them."""
    for moment in trace.moments:
        for ended in moment.ended():
            yield from (hold.token for hold in ended.claimed if hold.token is not None)


@dataclass(kw_only=True)
class _Book:
    trace: Trace
    state: State
    seen_tokens: Set[str]
    found: list[Violation] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """Exports that recovery may have taken back in this moment: it did not say which."""
    tokens: set[str] = field(default_factory=set)
    attempts: dict[str, int] = field(default_factory=dict)
    completions: dict[str, int] = field(default_factory=dict)
    lost_by: dict[str, str] = field(default_factory=dict)
    """By what each export last lost its owner, in words."""
    signs_of_life: dict[str, int] = field(default_factory=dict)
    aged: dict[str, int] = field(default_factory=dict)
    events: int = 0
    was_open: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.names = ShortNames(self.trace)
        self.current: Snapshot = self.trace.before
        for export in self.current.values():
            self.attempts[export.id] = export.attempt or 0

    def say(self, rule: str, moment: Moment, got: str) -> None:
        self.found.append(Violation(rule=rule, number=moment.call.number, got=got))

    def follow(self, moment: Moment) -> None:
        """Judge one step and what came of it."""
        self.unsure.clear()
        for event in moment.events:
            self.events += 1
            if isinstance(event, Committed):
                for step in event.steps:
                    self._committed(step, moment)
            else:
                self._ended(event, moment)
        if moment.after is not None:
            self._look(moment, moment.after)
        self.was_open = moment.open

    def conclude(self) -> None:
        """Judge what is left in the end."""
        last = self.trace.moments[-1]
        if last.waits_for:
            told = "; ".join(
                f"{self.names.worker(worker)} waits for "
                + ", ".join(map(self.names.worker, blockers))
                for worker, blockers in last.waits_for.items()
            )
            self.say("blocked-for-ever", last, f"with all transactions ended, {told}")
            return
        self._left_behind(last)

    def _ended(self, ended: Ended, moment: Moment) -> None:
        kind, who = ended.call.kind, self.names.worker(ended.call.worker)
        if ended.error is not None:
            if not ended.error.is_retriable:
                got = f"{who}'s {kind} raised {ended.error.sqlstate}: {ended.error.message}"
                self.say("step-raised", moment, got)
        elif kind is Kind.AGE:
            self.aged |= dict.fromkeys(ended.took or (), self.events)
        elif kind is Kind.CLAIM:
            self._claim_answered(ended, moment)
        elif kind in OWNER_KINDS:
            for hold, said in zip(ended.call.holds, ended.acknowledged, strict=True):
                self._owner_answered(ended, hold, said, moment)
        elif kind in (Kind.RECOVER, Kind.RECLAIM):
            for export in ended.took or ():
                self._taken_back(ended, export, moment)
            self._left_by_recovery(ended, moment)

    def _claim_answered(self, ended: Ended, moment: Moment) -> None:
        who, claimed = self.names.worker(ended.call.worker), len(ended.claimed)
        if ended.call.limit is not None and claimed > ended.call.limit:
            self.say("over-limit", moment, f"{who} asked for {ended.call.limit} and got {claimed}")
        for hold in ended.claimed:
            if hold.token is not None and (
                hold.token in self.tokens or hold.token in self.seen_tokens
            ):
                what = self.names.export(hold.export)
                got = f"{who}'s claim of {what} gave the token of an earlier claim again"
                self.say("token-repeated", moment, got)
            if hold.token is not None:
                self.tokens.add(hold.token)

    def _owner_answered(self, ended: Ended, hold: Hold, said: bool | None, moment: Moment) -> None:
        export, owner = hold.export, self.owners.get(hold.export)
        if export in self.unsure:
            return
        mine = owner is not None and owner.hold == hold and owner.worker == ended.call.worker
        what = (
            f"{self.names.worker(ended.call.worker)}'s {ended.call.kind} of "
            f"{self.names.export(export)} with {self.names.token(hold.token)}"
        )
        if not mine:
            whose = self._whose(export)
            if said:
                self.say("stale-token", moment, f"{what} was accepted, though {whose}")
            elif self._is_alone(ended, moment) and (change := self._change(export, moment)):
                self.say("stale-token", moment, f"{what} changed the row, though {whose}: {change}")
        elif (
            said is False
            and self._is_alone(ended, moment)
            and not self.was_open - {ended.call.worker}
            and not self._change(export, moment)
        ):
            self.say("owner-refused", moment, f"{what} changed nothing, though it owns the export")

    def _whose(self, export: str) -> str:
        owner = self.owners.get(export)
        if owner is not None:
            token = self.names.token(owner.hold.token)
            return f"{self.names.worker(owner.worker)} owns it since ({token})"
        return f"nobody owns it since {self.lost_by.get(export, 'the beginning')}"

    def _is_alone(self, ended: Ended, moment: Moment) -> bool:
        """Whether nothing but this step can have changed the state in this moment."""
        others = [
            event
            for event in moment.events
            if isinstance(event, Committed)
            and any(step.call.number != ended.call.number for step in event.steps)
        ]
        return not others

    def _change(self, export: str, moment: Moment) -> str:
        """What became of an export in a moment; nothing when it is as it was."""
        after = (moment.after or self.current).get(export)
        before = self.current.get(export)
        if after == before or after is None or before is None:
            return ""
        if after.state == before.state:
            return f"{self.names.state(after)}, and its row is another one now"
        return f"from {before.state} to {after.state}"

    def _taken_back(self, ended: Ended, export: str, moment: Moment) -> None:
        if self.signs_of_life.get(export, -1) <= self.aged.get(export, -1):
            return
        owner = self.owners.get(export)
        if owner is None:
            return
        got = (
            f"{self.names.worker(ended.call.worker)}'s recovery took {self.names.export(export)} "
            f"back, though {self.names.worker(owner.worker)}, who owns it, gave a sign of life "
            "after the hour had passed"
            if export in self.aged
            else f"{self.names.worker(ended.call.worker)}'s recovery took "
            f"{self.names.export(export)} back, which "
            f"{self.names.worker(owner.worker)} had claimed a moment before"
        )
        self.say("stolen-live", moment, got)

    def _left_by_recovery(self, ended: Ended, moment: Moment) -> None:
        """Recovery that nobody is in the way of takes all that has been silent."""
        if self.was_open - {ended.call.worker} or not self._is_alone(ended, moment):
            return
        for export, owner in self.owners.items():
            silent = self.aged.get(export, -1) > self.signs_of_life.get(export, -1)
            after = (moment.after or {}).get(export)
            # Where recovery does not say what it took, the state does, once it is committed.
            still = (
                after is not None and after.state in self.state.owned
                if ended.took is None
                else export not in ended.took
            )
            if silent and still:
                got = (
                    f"{self.names.worker(ended.call.worker)}'s recovery left "
                    f"{self.names.export(export)} to {self.names.worker(owner.worker)}, who had "
                    "given no sign of life for an hour"
                )
                self.say("not-recovered", moment, got)

    def _committed(self, step: Ended, moment: Moment) -> None:
        kind = step.call.kind
        if kind is Kind.CLAIM:
            for hold in step.claimed:
                self._claim_committed(step, hold, moment)
        elif kind in OWNER_KINDS:
            for hold, said in zip(step.call.holds, step.acknowledged, strict=True):
                self._owner_committed(step, hold, said, moment)
        elif kind in (Kind.RECOVER, Kind.RECLAIM):
            if step.took is None:
                self.unsure |= set(self.owners)
            for export in step.took or ():
                self._look_at_attempts(export, step, moment)
                self._loses_owner(export, step)

    def _claim_committed(self, step: Ended, hold: Hold, moment: Moment) -> None:
        who, what = self.names.worker(step.call.worker), self.names.export(hold.export)
        owner = self.owners.get(hold.export)
        if owner is not None and hold.export not in self.unsure:
            got = f"{who} claimed {what}, which {self.names.worker(owner.worker)} owns"
            self.say("claimed-twice", moment, got)
        if hold.attempt is not None:
            before = self.attempts.get(hold.export, 0)
            if hold.attempt <= before:
                got = f"{who} claimed {what} as attempt {hold.attempt}, after attempt {before}"
                self.say("attempt-not-risen", moment, got)
            self.attempts[hold.export] = max(before, hold.attempt)
        self.owners[hold.export] = Owner(worker=step.call.worker, hold=hold)
        self.unsure.discard(hold.export)
        self.signs_of_life[hold.export] = self.events

    def _owner_committed(self, step: Ended, hold: Hold, said: bool | None, moment: Moment) -> None:
        owner, export = self.owners.get(hold.export), hold.export
        mine = owner is not None and owner.hold == hold
        if step.call.kind is Kind.HEARTBEAT:
            if mine and said:
                self.signs_of_life[export] = self.events
            return
        after = (moment.after or {}).get(export)
        # A function that tells nothing is judged by what became of the export.
        done = said if said is not None else after is None or after.state not in self.state.owned
        if step.call.kind is Kind.COMPLETE and said:
            self.completions[export] = self.completions.get(export, 0) + 1
            if self.completions[export] > 1:
                got = f"{self.names.export(export)} was completed {self.completions[export]} times"
                self.say("completed-twice", moment, got)
        if mine and done:
            self._look_at_end(export, step, moment)
            self._loses_owner(export, step)

    def _look_at_end(self, export: str, step: Ended, moment: Moment) -> None:
        state, after = self.state, (moment.after or {}).get(export)
        if after is None or not self._is_alone(step, moment):
            return
        wanted = {
            Kind.COMPLETE: set(state.completed),
            Kind.FAIL: set(state.terminal) - set(state.completed),
            Kind.RELEASE: set(state.queued),
        }[step.call.kind]
        if after.state not in wanted:
            who = self.names.worker(step.call.worker)
            got = f"{self.names.state(after)} after {who}'s {step.call.kind}"
            self.say("ended-otherwise", moment, got)

    def _look_at_attempts(self, export: str, step: Ended, moment: Moment) -> None:
        owner, most = self.owners.get(export), self.trace.attempts
        after = (moment.after or {}).get(export)
        if most is None or owner is None or after is None or not self._is_alone(step, moment):
            return
        made = owner.hold.attempt or 0
        if (after.state in self.state.queued) != (made < most):
            who = self.names.worker(step.call.worker)
            got = f"{self.names.state(after)} after {who}'s recovery took it back from attempt "
            self.say("attempts-bound", moment, f"{got}{made} of {most}")

    def _loses_owner(self, export: str, step: Ended) -> None:
        if self.owners.pop(export, None) is not None:
            who = self.names.worker(step.call.worker)
            self.lost_by[export] = f"{who}'s {step.call.kind} of step {step.call.number}"

    def _look(self, moment: Moment, after: Snapshot) -> None:
        for export, before in self.current.items():
            now = after.get(export)
            if now is None:
                self.say("lost", moment, f"{self.names.export(export)} is not there any more")
            else:
                self._look_at(moment, before, now)
        for export in after.keys() - self.current.keys():
            self.say(
                "lost", moment, f"{self.names.export(export)} is a new one that nobody asked for"
            )
        self._count(moment, after)
        self.current = after

    def _look_at(self, moment: Moment, before: ExportState, now: ExportState) -> None:
        state, told = self.state, self.names.state(now)
        if before.state in state.terminal and now.state != before.state:
            got = f"{self.names.export(now.id)} went from {before.state} to {now.state}"
            self.say("terminal-changed", moment, got)
        if now.state not in (*state.queued, *state.owned, *state.terminal):
            self.say("unknown-state", moment, told)
        if now.attempt is not None and before.attempt is not None and now.attempt < before.attempt:
            got = f"{told}, after attempt {before.attempt}"
            self.say("attempt-not-risen", moment, got)
        self._look_at_owner(moment, now)
        if now.completions is not None:
            due = 1 if now.state in state.completed else 0
            if now.completions != due:
                got = f"{told}, and its completion is recorded {now.completions} times"
                self.say("completed-twice", moment, got)

    def _look_at_owner(self, moment: Moment, now: ExportState) -> None:
        owner = self.owners.get(now.id)
        told = self.names.state(now)
        if now.id in self.unsure and owner is not None:
            if now.state in self.state.owned and now.token == owner.hold.token:
                return
            del self.owners[now.id]
            owner = None
        if now.state not in self.state.owned:
            if owner is not None:
                who = self.names.worker(owner.worker)
                got = f"{told}, though {who} owned it and has not ended it"
                self.say("taken-from-owner", moment, got)
                del self.owners[now.id]
            return
        if owner is None:
            self.say("owned-by-nobody", moment, f"{told}, and no worker was given it")
            return
        hold, who = owner.hold, self.names.worker(owner.worker)
        for what, stored, given in (
            ("token", now.token, hold.token),
            ("attempt", now.attempt, hold.attempt),
            ("owner", now.owner, self.trace.names[owner.worker]),
        ):
            if stored is not None and given is not None and stored != given:
                got = f"{told}, whose {what} is not what {who}'s claim was given"
                self.say("owned-by-nobody", moment, got)
                return

    def _count(self, moment: Moment, after: Snapshot) -> None:
        taken: dict[str, int] = {}
        for export in after.values():
            if export.organization is not None and export.state in self.state.owned:
                taken[export.organization] = taken.get(export.organization, 0) + 1
        for number in taken.values():
            if number > self.trace.scenario.cap:
                cap = self.trace.scenario.cap
                got = f"{number} of one organization are in progress, the cap is {cap}"
                self.say("over-cap", moment, got)

    def _left_behind(self, last: Moment) -> None:
        """Judge the state after a fresh worker took what it could get."""
        kinds = self.trace.kinds
        can_finish = Kind.RECOVER in kinds and not kinds.isdisjoint(ENDING_KINDS)
        for export in self.current.values():
            if export.state in self.state.queued and not self._cap_is_reached(export):
                got = f"a fresh worker's claims came back empty, and {self.names.state(export)}"
                self.say("not-drained", last, got)
            elif export.state in self.state.owned and can_finish:
                got = f"a fresh worker did what it could, and {self.names.state(export)}"
                self.say("not-drained", last, got)

    def _cap_is_reached(self, export: ExportState) -> bool:
        if export.organization is None:
            return False
        mates = [e for e in self.current.values() if e.organization == export.organization]
        taken = sum(mate.state in self.state.owned for mate in mates)
        return taken >= self.trace.scenario.cap
