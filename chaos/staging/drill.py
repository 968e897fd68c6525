"""The drill of one declared fault on a backend that already runs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chaos.drills.drill import Drill, DrillContext, FaultStep
from chaos.faults.run_commands import CommandContext, run_commands
from chaos.staging.abort import AbortWatch
from chaos.staging.checkers import final_state_violations
from chaos.staging.stream import Stream
from harness.checkers import Violation
from harness.client import Organization, Samples
from harness.errors import CheckFailed, Inconclusive
from harness.guard import Guard
from harness.machine.commands import CommandResult
from harness.target import Capability, Target
from harness.target.tables.chaos import ChaosInstance, FaultCommands
from harness.waiting import becomes_true

POLL_S = 0.05

END = "exports in the end"
"""The cell in which a drill judges its end."""

AT_WORK_S = 10.0
"""How long to wait until an instance that is to be harmed holds an export."""


class Aborted(Inconclusive):
    """The abort condition held: the fault was undone early. What was accepted was kept."""


@dataclass(kw_only=True)
class StagingDrill(DrillContext):
    """One declared fault, and what its drill finds out."""

    name: str
    commands: FaultCommands
    target: Target
    guard: Guard
    owners: Sequence[Organization]
    samples: Samples
    record: Callable[[CommandResult], str]
    """Keeps what a command printed, and returns it for a message, without secrets."""
    under_way: int = 0
    """How many exports were under way when the fault took hold."""
    watch: AbortWatch = field(init=False)
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        """Name the drill in the history."""
        self.process = f"staging-fault:{self.name}"
        super().__post_init__()
        self.looks.promise(max_attempts=self.target.limits.max_attempts)

    @property
    def is_aborted(self) -> bool:
        """Whether the abort condition has held."""
        return bool(self.watch.reason)


async def ask_for_permission(drill: StagingDrill) -> None:
    """Raise `Refused` unless load is permitted."""
    await drill.guard.permit_load()


async def one_export_becomes_ready(drill: StagingDrill) -> None:
    """Make a job with a file, and export it."""
    owner = drill.owners[0]
    job = await owner.new_job()
    await owner.client.new_evidence(job["id"], drill.samples.new())
    export = await owner.client.new_export(job["id"])
    within_s = drill.target.chaos.steady_within_s
    await owner.client.wait_for_export(export["id"], deadline_s=within_s)


@asynccontextmanager
async def stream_of_exports(drill: StagingDrill) -> AsyncIterator[None]:
    """Request exports and follow them; what broke that is raised at the end."""
    chaos = drill.target.chaos
    drill.watch = AbortWatch(chaos.abort, now=time.monotonic())
    stream = drill.stream = Stream(
        owners=drill.owners,
        samples=drill.samples,
        chaos=chaos,
        watch=drill.watch,
        history=drill.history,
        process=drill.process,
        probe_job=(await drill.owners[0].new_job())["id"],
    )
    async with _running(stream.request_all(), stream.probe(), stream.follow(), stream.count()):
        yield


def declared_fault(drill: StagingDrill) -> Sequence[FaultStep]:
    """Inject the fault once an instance that it harms holds an export."""
    context = CommandContext(
        guard=drill.guard,
        run_id=drill.journal.run_id,
        record=drill.record,
        is_over=lambda: drill.is_aborted,
    )
    chosen = victims(drill.target, drill.commands)
    names = {victim.name for victim in chosen}

    async def when() -> bool:
        await becomes_true(
            lambda: drill.stream.held_by(names) or drill.is_aborted, AT_WORK_S, poll_s=POLL_S
        )
        return not drill.is_aborted

    async def while_it_holds() -> None:
        # A backend need not call its workers as its platform does.
        drill.under_way = drill.stream.held_by(names) or len(drill.stream.live)
        await becomes_true(lambda: drill.is_aborted, drill.commands.hold_s, poll_s=POLL_S)

    return [
        FaultStep(
            when=when,
            faults=[run_commands(drill.name, drill.commands, each, context) for each in chosen],
            while_it_holds=while_it_holds,
        )
    ]


def victims(target: Target, commands: FaultCommands) -> Sequence[ChaosInstance]:
    """The first instances of the fault's role, as many as the share allows."""
    of_role = [each for each in target.chaos.instances if each.role == commands.role]
    return of_role[: target.chaos.at_most(commands.role)]


async def drain(drill: StagingDrill) -> None:
    """Wait until everything accepted has ended; what has not by then is for the checkers."""
    stream = drill.stream
    with contextlib.suppress(CheckFailed):
        await stream.find_unanswered()

    async def is_drained() -> bool:
        if stream.live:
            await stream.look()
        return not stream.live

    await becomes_true(is_drained, drain_s(drill.target), poll_s=POLL_S)
    aborted = (
        f"the drill was aborted because {drill.watch.reason}, and " if drill.is_aborted else ""
    )
    drill.detail = (
        f"{len(stream.accepted)} exports were accepted; {aborted}{drill.name!r} was undone"
    )


def drain_s(target: Target) -> float:
    """How long what was accepted may take once the fault is undone, in seconds."""
    chaos, worker = target.chaos, target.worker
    if chaos.drain_s is not None:
        return chaos.drain_s
    recovery = worker.stuck_timeout_s + worker.sweep_interval_s if worker else 0
    return recovery + chaos.steady_within_s


async def violations(drill: StagingDrill) -> Sequence[Violation]:
    """Judge everything that was accepted."""
    return await final_state_violations(drill.stream, drill.looks, process=drill.process, what=END)


def exports_under_way(drill: StagingDrill) -> int:
    """Count the exports that the fault met. Raises `Aborted` when the abort condition held."""
    if drill.is_aborted:
        raise Aborted(f"{drill.detail}; all of them were kept, and the system is steady again")
    return drill.under_way


STAGING_FAULT = Drill[StagingDrill](
    needs=frozenset({Capability.LOAD, Capability.FAULTS}),
    budget_s=3600,
    prepare=ask_for_permission,
    steady_state=one_export_becomes_ready,
    load=stream_of_exports,
    faults=declared_fault,
    drain=drain,
    checkers=(violations,),
    seen={"exports under way when a fault took hold": exports_under_way},
)


@asynccontextmanager
async def _running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Keep work going inside; leaving cancels it. What broke it is raised at the end."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each
