"""One drill: steady state, load, fault, heal, drain, steady state again, judgement."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chaos.faults.run_commands import FaultNotShown, Means, harmed_by_commands
from chaos.staging.abort import AbortWatch
from chaos.staging.checkers import violations_of
from chaos.staging.stream import Stream
from harness.checkers import expect_no_violations
from harness.client import Organization, Samples
from harness.errors import CheckFailed, Inconclusive
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.machine.commands import CommandResult
from harness.machine.journal import Journal
from harness.target import Target
from harness.target.chaos import ChaosInstance, FaultCommands

POLL_S = 0.05

AT_WORK_S = 10.0
"""How long to wait for a moment in which an instance that is to be harmed holds an export."""


class Aborted(Inconclusive):
    """The abort condition held. What was accepted was kept, but the fault was not sat out."""


@dataclass(frozen=True, kw_only=True)
class StagingDrill:
    """Where a drill takes place."""

    target: Target
    guard: Guard
    journal: Journal
    owners: Sequence[Organization]
    samples: Samples
    history: HistoryWriter
    tell: Callable[[CommandResult], str]


async def drill(name: str, fault: FaultCommands, staging_drill: StagingDrill) -> int:
    """Run one declared fault; give how many exports were under way when it took hold.

    `CheckFailed` when a promise was broken: something accepted was lost, doubled or damaged, the
    undo failed, or there is no steady state afterwards. `Inconclusive` when it was not steady
    before (then nothing was harmed), the fault took no hold, or the drill was broken off.
    """
    chaos, process = staging_drill.target.chaos, f"staging-fault:{name}"
    await staging_drill.guard.permit_load()
    await _steady_before(staging_drill)
    watch = AbortWatch(chaos.abort, now=time.monotonic())
    stream = Stream(
        staging_drill.owners,
        staging_drill.samples,
        chaos=chaos,
        watch=watch,
        history=staging_drill.history,
        process=process,
    )
    stream.probe_job = (await staging_drill.owners[0].new_job())["id"]
    not_shown: FaultNotShown | None = None
    means = Means(
        guard=staging_drill.guard,
        journal=staging_drill.journal,
        history=staging_drill.history,
        process=process,
        tell=staging_drill.tell,
        is_over=lambda: bool(watch.reason),
    )
    under_way = 0
    async with _running(stream.request_all(), stream.probe(), stream.follow(), stream.count()):
        chosen = victims(staging_drill, fault)
        names = {victim.name for victim in chosen}
        await _until(lambda: bool(stream.in_hands_of(names) or watch.reason), AT_WORK_S)
        if not watch.reason:
            try:
                async with harmed_by_commands(name, fault, chosen, means=means):
                    # A backend need not call its workers as its platform does.
                    under_way = stream.in_hands_of(names) or len(stream.live)
                    await _until(lambda: bool(watch.reason), fault.hold_s)
            except FaultNotShown as error:
                not_shown = error
    healed = f"{name!r} was undone"
    if watch.reason:
        healed = f"{name!r} was broken off because {watch.reason}, and undone"
    await _drain(stream, drain_s(staging_drill.target))
    await _steady_after(staging_drill, healed)
    expect_no_violations(
        await violations_of(
            stream,
            history=staging_drill.history,
            process=process,
            max_attempts=staging_drill.target.limits.max_attempts,
        ),
        detail=f"{len(stream.accepted)} exports were accepted; {healed}",
    )
    if watch.reason:
        raise Aborted(
            f"{healed}; all of the {len(stream.accepted)} accepted exports were kept, and the "
            "system is steady again"
        )
    if not_shown is not None:
        raise not_shown
    return under_way


def victims(staging_drill: StagingDrill, fault: FaultCommands) -> Sequence[ChaosInstance]:
    """The first instances of the fault's role, as many as the share allows."""
    chaos = staging_drill.target.chaos
    of_role = [instance for instance in chaos.instances if instance.role == fault.role]
    return of_role[: chaos.at_most(fault.role)]


def drain_s(target: Target) -> float:
    """How long what was accepted may take once the fault is undone, in seconds."""
    chaos, worker = target.chaos, target.worker
    if chaos.drain_s is not None:
        return chaos.drain_s
    recovery = worker.stuck_timeout_s + worker.sweep_interval_s if worker else 0
    return recovery + chaos.steady_within_s


async def _steady_before(staging_drill: StagingDrill) -> None:
    try:
        await _probe_export(staging_drill)
    except CheckFailed as failure:
        raise Inconclusive(
            f"not steady before the fault, so nothing was harmed: {failure}"
        ) from failure


async def _steady_after(staging_drill: StagingDrill, healed: str) -> None:
    try:
        await _probe_export(staging_drill)
    except CheckFailed as failure:
        raise CheckFailed(
            expected=f"a steady state within {staging_drill.target.chaos.steady_within_s:g} s, as "
            f"before the fault; {healed}",
            got=failure.got,
            detail=f"expected {failure.expected}",
        ) from failure


async def _probe_export(staging_drill: StagingDrill) -> None:
    """Walk the whole way once: a job, a file, an export that becomes ready."""
    owner, within_s = staging_drill.owners[0], staging_drill.target.chaos.steady_within_s
    job = await owner.new_job()
    await owner.client.new_evidence(job["id"], staging_drill.samples.new())
    export = await owner.client.new_export(job["id"])
    await owner.client.wait_for_export(export["id"], deadline_s=within_s)


async def _drain(stream: Stream, within_s: float) -> None:
    """Wait until everything accepted has ended; what has not by then is for the checkers."""
    until = time.monotonic() + within_s
    with contextlib.suppress(CheckFailed):
        await stream.find_the_unsure()
    while stream.live and time.monotonic() < until:
        await stream.look()
        await asyncio.sleep(POLL_S)


async def _until(is_so: Callable[[], bool], within_s: float) -> None:
    until = time.monotonic() + within_s
    while not is_so() and time.monotonic() < until:
        await asyncio.sleep(POLL_S)


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
