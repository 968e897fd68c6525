"""What every fault looks like, and the one way to inject, prove and heal it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.errors import CheckFailed, Inconclusive
from harness.history import EntryType, HistoryWriter
from harness.machine.journal import Journal

Step = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Do nothing: the step of a fault that does not need one."""


class FaultNotShown(Inconclusive):
    """A fault was not injected, or could not be proven. It may still have harmed the system."""


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
    """The names of the instances that it harms."""
    undo: tuple[str, ...]
    """The command by which `shakedown recover` heals it after the harness itself was killed."""
    undo_timeout_s: float = 30.0
    check_possible: Step = nothing
    """Raises when it cannot be, or must not be, injected now. Nothing was harmed then."""
    inject: Step
    prove: Step | None
    """Raises `Inconclusive` when its victims do not show it. None: there is no way to see it."""
    proof_label: str | None = None
    """What histories call the proof. None: it belongs to the injection."""
    check_still_there: Step = nothing
    """Raises `Inconclusive` when something else has healed it meanwhile."""
    heal: Step
    heal_label: str | None = None
    """What histories call the healing. None: they do not mention it."""
    prove_healed: Step = nothing


@asynccontextmanager
async def injected(
    *faults: Fault, journal: Journal, history: HistoryWriter, process: str = "chaos"
) -> AsyncIterator[None]:
    """Inject faults one after the other; inside, all of them hold. Leaving heals the last first.

    The undo of a fault is in the journal before anything is harmed. Healing runs in any case, also
    after an error and when the task is canceled; an undo that failed stays in the journal for
    `shakedown recover` and for the end of the run. `process` is who does it, for the history.
    """
    begun: list[_Begun] = []
    try:
        for fault in faults:
            undo = {"undo": list(fault.undo), "timeout_s": fault.undo_timeout_s}
            entry = journal.note("fault", what=fault.what, **undo)
            try:
                await fault.check_possible()
            except BaseException:
                journal.undone(entry)
                raise
            begun.append(_Begun(fault=fault, entry=entry, history=history, process=process))
            await begun[-1].inject()
        for each in begun:
            await each.prove()
        yield
        for fault in faults:
            await fault.check_still_there()
    finally:
        await _to_the_end(_heal_all(begun[::-1], journal))
    for fault in faults:
        await fault.prove_healed()


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
            self.write("info", self.fault.label, str(problem))
            raise
        if self.fault.proof_label or self.fault.prove is None:
            self.write("ok", self.fault.label)

    async def prove(self) -> None:
        if self.fault.prove is not None:
            await self.fault.prove()
            self.write("ok", self.fault.proof_label or self.fault.label)

    def write(self, kind: EntryType, label: str | None, error: str | None = None) -> None:
        for victim in self.fault.victims if label else ():
            self.history.write(kind, label or "", process=self.process, worker=victim, error=error)


async def _heal_all(begun: Sequence[_Begun], journal: Journal) -> None:
    """Heal every fault, also after one could not be healed."""
    failed: list[Exception] = []
    for each in begun:
        try:
            await each.fault.heal()
        except Exception as problem:
            each.write("fail", each.fault.heal_label, str(problem))
            failed.append(problem)
        else:
            journal.undone(each.entry)
            each.write("info", each.fault.heal_label)
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
    """Await the healing even if the task is cancelled meanwhile; be cancelled only afterwards."""
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
