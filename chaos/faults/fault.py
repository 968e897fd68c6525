"""What every fault looks like, and the one way to inject, prove and heal it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chaos.faults.needs import MachineNeed, refuse_machine, refuse_target
from chaos.faults.proof import FaultNotShown, Look, Proof
from harness.errors import CheckFailed
from harness.history import EntryType, HistoryWriter
from harness.machine.journal import Journal
from harness.target import Capability

Step = Callable[[], Awaitable[None]]

ENDS_WITH_THE_RUN = ("true",)
"""The undo of what `shakedown recover` removes anyway: processes, servers and files of the run."""


async def nothing() -> None:
    """Do nothing: the step of a fault that does not need one."""


class UndoFailed(CheckFailed):
    """A fault could not be undone: it may still be there."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to harm a system. `injected` runs its steps in the order in which they stand here."""

    label: str
    """What histories and timelines call it."""
    what: str
    """What the journal calls it: `pause of worker-1`."""
    victims: tuple[str, ...]
    """The names of the instances that it harms; `database` for the server."""
    needs: frozenset[Capability] = frozenset()
    """What the target must offer."""
    machine: tuple[MachineNeed, ...] = ()
    """What this machine must have."""
    undo: tuple[str, ...]
    """The command by which `shakedown recover` heals it after the harness itself was killed."""
    undo_timeout_s: float = 30.0
    check_possible: Step = nothing
    """Raises when it cannot be, or must not be, injected now. Nothing was harmed then."""
    inject: Step
    victim_shows: Look | None
    """Sees it in the victim itself. None: nothing of the victim can be seen from here."""
    others_see: Look | None
    """Sees what it does to another client. None: no client can see it, so it is never proven."""
    unseen: str = ""
    """Where no client can see it: what would help."""
    check_still_there: Step = nothing
    """Raises `Inconclusive` when something else has healed it meanwhile."""
    heal: Step
    healed: Look | None = None
    """Sees from outside that it is gone. None: what follows in the drill shows it."""

    @property
    def heal_label(self) -> str:
        """What histories call the healing."""
        return f"heal-{self.label}"


@dataclass(kw_only=True)
class Injected:
    """Faults that hold."""

    unproven: list[str] = field(default_factory=list)
    """What was injected and has no last step of its proof, with what would help."""


@asynccontextmanager
async def injected(
    *faults: Fault,
    journal: Journal,
    history: HistoryWriter,
    process: str = "chaos",
    offered: Collection[Capability] = frozenset(Capability),
) -> AsyncIterator[Injected]:
    """Inject faults one after the other; inside, all of them hold. Leaving heals the last first.

    The undo of a fault is in the journal before anything is harmed. Healing runs in any case, also
    after an error and when the task is canceled; an undo that failed stays in the journal for
    `shakedown recover` and for the end of the run. `process` is who does it, for the history;
    `offered` is what the target offers. Raises `FaultNotShown` where a step of a proof is not met;
    a fault whose effect no client can see holds as long as others do and is `unproven`.
    """
    begun: list[_Begun] = []
    holding = Injected()
    for fault in faults:
        refuse_target(fault.label, fault.needs, offered)
        refuse_machine(fault.label, fault.machine)
    try:
        for fault in faults:
            undo = {"undo": list(fault.undo), "timeout_s": fault.undo_timeout_s}
            entry = journal.note("fault", what=fault.what, **undo)
            try:
                await fault.check_possible()
            except BaseException as problem:
                journal.undone(entry)
                for each in begun:
                    each.write("info", each.fault.label, step=Proof.VICTIM, error=str(problem))
                raise
            begun.append(_Begun(fault=fault, entry=entry, history=history, process=process))
            await begun[-1].inject()
        for each in begun:
            await each.prove(holding)
        yield holding
        for fault in faults:
            await fault.check_still_there()
    finally:
        await _to_the_end(_heal_all(begun[::-1], journal))
    for each in begun:
        await each.prove_healed()


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """A fault whose undo is in the journal."""

    fault: Fault
    entry: str
    history: HistoryWriter
    process: str

    async def inject(self) -> None:
        self.write("invoke", self.fault.label)
        try:
            await self.fault.inject()
        except FaultNotShown as problem:
            self.write("info", self.fault.label, step=Proof.REQUESTED, error=str(problem))
            raise
        self.write("info", self.fault.label, step=Proof.REQUESTED, seen="no error")

    async def prove(self, holding: Injected) -> None:
        fault = self.fault
        if fault.victim_shows is not None:
            await self._look(fault.victim_shows, "info", fault.label, Proof.VICTIM)
        if fault.others_see is not None:
            await self._look(fault.others_see, "ok", fault.label, Proof.EFFECT)
        else:
            why = fault.unseen or "there is no way to look"
            holding.unproven.append(f"no other client can see the {fault.what}: {why}")

    async def prove_healed(self) -> None:
        if self.fault.healed is not None:
            await self._look(self.fault.healed, "ok", self.fault.heal_label, Proof.EFFECT)

    async def _look(self, look: Look, kind: EntryType, label: str, step: Proof) -> None:
        try:
            seen = await look()
        except FaultNotShown as problem:
            self.write("info", label, step=step, error=str(problem))
            raise
        self.write(kind, label, step=step, seen=seen)

    def write(
        self,
        kind: EntryType,
        label: str,
        *,
        step: Proof | None = None,
        seen: str | None = None,
        error: str | None = None,
    ) -> None:
        for victim in self.fault.victims:
            self.history.write(
                kind, label, process=self.process, worker=victim, error=error, step=step, seen=seen
            )


async def _heal_all(begun: Sequence[_Begun], journal: Journal) -> None:
    """Heal every fault, also after one could not be healed."""
    failed: list[Exception] = []
    for each in begun:
        label = each.fault.heal_label
        try:
            await each.fault.heal()
        except Exception as problem:
            each.write("fail", label, step=Proof.REQUESTED, error=str(problem))
            failed.append(problem)
        else:
            journal.undone(each.entry)
            each.write("info", label, step=Proof.REQUESTED)
    if failed:
        raise _all_of(failed)


def _all_of(failed: Sequence[Exception]) -> Exception:
    """Give one error for several undos that failed."""
    undos = [each for each in failed if isinstance(each, UndoFailed)]
    if len(undos) < len(failed):
        return next(each for each in failed if not isinstance(each, UndoFailed))
    got = "; ".join(each.got for each in undos)
    return UndoFailed(expected=undos[0].expected, got=got, detail=undos[0].detail)


async def _to_the_end(healing: Awaitable[None]) -> None:
    """Await the healing even if the task is canceled meanwhile; be canceled only afterwards."""
    task = asyncio.ensure_future(healing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done():
                raise
            cancelled = error
        except Exception:
            break
    task.result()
    if cancelled is not None:
        raise cancelled
