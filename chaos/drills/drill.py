"""A drill as a value, and the one runner of all drills."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from chaos.drills.health import judge_health
from chaos.faults.fault import Fault, Injected, Step, injected, nothing
from chaos.faults.proof import FaultNotShown
from harness.checkers import Looks, Transition, Violation
from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.machine.journal import Journal
from harness.plugin.cells import Cells
from harness.plugin.fixtures import OwnSystem
from harness.plugin.observations import Observations
from harness.plugin.violations import report_violations
from harness.target import Capability


@dataclass(kw_only=True)
class DrillContext:
    """What every drill works with, and what its steps find out for those that follow."""

    journal: Journal
    history: HistoryWriter
    observe: Observations
    cells: Cells
    where: Mapping[str, str] = field(default_factory=dict)
    """What the cells of this drill have in common, such as the fault."""
    offered: frozenset[Capability]
    """What the target offers; a fault that needs more is refused."""
    process: str = "chaos"
    """Who harms the system, for the history."""
    not_shown: FaultNotShown | None = None
    """Why a fault could not be proven, though it may have harmed the system."""
    notes: dict[str, str] = field(default_factory=dict)
    """What was done to the worker of an export, by the export's id, for messages."""
    detail: str = ""
    """What else belongs into the message of a failure."""
    looks: Looks = field(init=False)
    """Writes what is seen into the history, and judges it."""
    judged: set[str] = field(default_factory=set)
    """Exports with a violation: what is wrong with them later follows from it."""

    def __post_init__(self) -> None:
        """Begin to look."""
        self.looks = Looks(self.history)

    @property
    def transitions(self) -> Sequence[Transition]:
        """The changes of exports that were recorded, as evidence."""
        return ()

    @property
    def own_system(self) -> OwnSystem | None:
        """The system that is harmed, where it is the drill's own: its health can be looked at."""
        return None

    def injected(self, *faults: Fault) -> AbstractAsyncContextManager[Injected]:
        """Inject faults for the block: noted in this drill's journal and history."""
        return injected(
            *faults,
            journal=self.journal,
            history=self.history,
            process=self.process,
            offered=self.offered,
        )

    async def judge(self, found: Sequence[Violation], *, what: str, detail: str = "") -> None:
        """Take violations into the cell `what`: one finding for each kind that is new."""
        await report_violations(
            self.cells,
            found,
            detail=detail or self.detail,
            notes=self.notes,
            transitions=self.transitions if found else (),
            explained=self.judged,
            **self.where,
            what=what,
        )
        self.judged.update(each.subject for each in found)


Context = TypeVar("Context", bound=DrillContext)


async def always() -> bool:
    """Inject at once."""
    return True


@dataclass(frozen=True, kw_only=True)
class FaultStep:
    """Faults that are injected together, and what is done while they hold."""

    when: Callable[[], Awaitable[bool]] = always
    """Returns when it is time to inject; False: inject nothing."""
    faults: Sequence[Fault]
    while_it_holds: Step = nothing
    """Runs when this step's faults and those of all later steps hold; then they are healed."""
    once_healed: Step = nothing


async def no_steps(_: DrillContext) -> None:
    """Do nothing: a part that a drill does not have."""


def no_load(_: DrillContext) -> AbstractAsyncContextManager[Any]:
    """Run nothing during the faults: the exports that `prepare` requested are the load."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Drill(Generic[Context]):
    """What is done to a system, and what must hold. The runner takes the parts in this order."""

    needs: frozenset[Capability]
    budget_s: float
    """Seconds after which the check that runs it is canceled."""
    prepare: Callable[[Context], Awaitable[None]] = no_steps
    """Brings the system to the point where faults are to meet it."""
    steady_state: Callable[[Context], Awaitable[None]] = no_steps
    """Raises `CheckFailed` when the system does not work as usual. Run before and after."""
    load: Callable[[Context], AbstractAsyncContextManager[Any]] = no_load
    """Runs from before the first fault until the last one is healed."""
    faults: Callable[[Context], Sequence[FaultStep]]
    """A later step is injected while the earlier ones hold, and healed before them."""
    drain: Callable[[Context], Awaitable[None]] = no_steps
    """Waits until all that was accepted has ended, or can no longer end in time."""
    checkers: Sequence[Callable[[Context], Awaitable[Sequence[Violation]]]]
    seen: Mapping[str, Callable[[Context], int]]
    """What must have been seen at least once: how often it was; may raise `Inconclusive`."""


async def run_drill(drill: Drill[Context], context: Context) -> None:
    """Run a drill; what it finds is in the context's cells.

    What the system cannot do before the fault is a precondition that is not met, and nothing is
    harmed then. After it all of that is what the drill is about. `CheckFailed` when an undo failed;
    `Inconclusive` when a fault could not be proven, or something that had to be seen was not.
    """
    await drill.prepare(context)
    await _expect_steady_before(drill, context)
    async with drill.load(context):
        with as_subject():
            try:
                await _inject(drill.faults(context), context)
            except FaultNotShown as problem:
                context.not_shown = problem
    with as_subject():
        await drill.drain(context)
        unsteady = await _unsteady_after(drill, context)
        await _judge_end(drill, context, unsteady)
        if context.own_system is not None:
            await judge_health(context.own_system, context.cells, context.where)
    if context.cells.findings:
        return
    if context.not_shown is None and context.looks.incomplete:
        raise Inconclusive("; ".join(context.looks.incomplete))
    for what, count in drill.seen.items():
        times = count(context)
        if context.not_shown is not None:
            raise context.not_shown
        if not times:
            raise Inconclusive(f"never seen: {what}")
        context.observe(times, what=what)


async def _expect_steady_before(drill: Drill[Context], context: Context) -> None:
    why = "the system was not steady before the fault, so nothing was harmed"
    try:
        await drill.steady_state(context)
    except PreconditionNotMet as failure:
        failure.add_note(why)
        raise
    except CheckFailed as failure:
        raise Inconclusive(f"{why}: {failure}") from failure


async def _unsteady_after(drill: Drill[Context], context: Context) -> str:
    """Look whether the system works as before; say what it does not do, empty for nothing."""
    if drill.steady_state is no_steps:
        return ""
    problem = ""
    async with context.cells.of(**context.where, what="steady state after the fault"):
        try:
            await drill.steady_state(context)
        except CheckFailed as failure:
            problem = str(failure)
            raise CheckFailed(
                expected="the same steady state as before the fault",
                got=failure.got,
                detail=f"expected {failure.expected}; {context.detail}",
            ) from failure
    return problem


async def _judge_end(drill: Drill[Context], context: Context, unsteady: str) -> None:
    """Judge the end; what cannot be read because the system is not steady is not looked at."""
    found: list[Violation] = []
    async with context.cells.of(**context.where, what="reading the final state"):
        try:
            for checker in drill.checkers:
                found += await checker(context)
        except CheckFailed as failure:
            if unsteady:
                raise Inconclusive(f"the system is not steady: {failure}") from failure
            raise
    await context.judge(found, what="exports in the end")


async def _inject(steps: Sequence[FaultStep], context: DrillContext) -> None:
    if not steps:
        return
    step, *later = steps
    if not await step.when():
        return
    async with context.injected(*step.faults) as holding:
        if holding.unproven:  # what it did is judged all the same
            context.not_shown = context.not_shown or FaultNotShown("; ".join(holding.unproven))
        await _inject(later, context)
        await step.while_it_holds()
    await step.once_healed()
