"""A fault by the command lines of a target file, on instances that somebody else runs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from harness.errors import CheckFailed, Inconclusive
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.machine.commands import CommandResult, run_command
from harness.machine.journal import Journal
from harness.machine.processes import RUN_MARKER
from harness.target.chaos import ChaosInstance, FaultCommands
from harness.target.template import fill

PROOF_POLL_S = 0.1

Result = TypeVar("Result")


class FaultNotShown(Inconclusive):
    """The fault was not, or not provably, there: nothing was learnt about it."""


class UndoFailed(CheckFailed):
    """The undo did not do its work: the system is left as the fault left it."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a fault by command needs besides its commands."""

    guard: Guard
    journal: Journal
    history: HistoryWriter
    process: str
    """Who does it, for the history."""
    tell: Callable[[CommandResult], str]
    """Keeps what a command came to, and gives it for a message: without secrets."""
    is_over: Callable[[], bool]
    """Whether the drill is to be broken off: nothing more is injected then."""


@asynccontextmanager
async def harmed_by_commands(
    name: str, fault: FaultCommands, victims: Sequence[ChaosInstance], *, means: Means
) -> AsyncIterator[None]:
    """Harm instances one after the other; inside, the fault shows on all of them.

    What undoes it is in the journal before anything is done, and is run whatever happens.
    Raises `Refused` where an instance may not be harmed now, `FaultNotShown` when a command failed
    or the proof did not come, and `UndoFailed` when an undo failed: `shakedown recover`, and the
    end of the run, then try it once more.
    """
    begun: list[tuple[str, ChaosInstance]] = []
    try:
        for victim in victims:
            undo = filled(fault.undo, victim)
            entry = means.journal.note(
                "fault",
                what=f"{name} of {victim.name}",
                undo=list(undo),
                timeout_s=fault.timeout_s,
            )
            try:
                # The last thing before the act: what was allowed a moment ago need not be now.
                await means.guard.permit(victim.host)
            except BaseException:
                means.journal.undone(entry)
                raise
            begun.append((entry, victim))
            await _inject(name, fault, victim, means)
        for victim in victims:
            await _prove(name, fault, victim, means)
        yield
    finally:
        await _to_the_end(_undo_all(name, fault, begun[::-1], means))


def filled(argv: Sequence[str], victim: ChaosInstance) -> tuple[str, ...]:
    """Fill an instance's names into a command."""
    values = {
        "instance": victim.name,
        "role": victim.role,
        "host": victim.host,
        "python": sys.executable,
    }
    return tuple(fill(word, values) for word in argv)


async def _inject(name: str, fault: FaultCommands, victim: ChaosInstance, means: Means) -> None:
    means.history.write("invoke", name, process=means.process, worker=victim.name)
    ended = await run_command(
        filled(fault.inject, victim),
        timeout_s=fault.timeout_s,
        environment=_marked(means.journal),
        is_over=means.is_over,
    )
    told = means.tell(ended)
    if not ended.is_ok:
        means.history.write("info", name, process=means.process, worker=victim.name, error=told)
        raise FaultNotShown(f"the command that injects {name!r} failed: {told}")
    means.history.write("ok", name, process=means.process, worker=victim.name)


async def _prove(name: str, fault: FaultCommands, victim: ChaosInstance, means: Means) -> None:
    if fault.proof is None:
        return
    argv = filled(fault.proof, victim)
    loop = asyncio.get_running_loop()
    until = loop.time() + fault.timeout_s
    while True:
        ended = await run_command(
            argv,
            timeout_s=max(0.1, until - loop.time()),
            environment=_marked(means.journal),
            is_over=means.is_over,
        )
        if ended.is_ok:
            means.tell(ended)
            means.history.write("ok", f"proof-{name}", process=means.process, worker=victim.name)
            return
        if loop.time() > until or means.is_over():
            raise FaultNotShown(
                f"{name!r} did not show on {victim.name} within {fault.timeout_s:g} s: "
                + means.tell(ended)
            )
        await asyncio.sleep(PROOF_POLL_S)


async def _undo_all(
    name: str,
    fault: FaultCommands,
    begun: Sequence[tuple[str, ChaosInstance]],
    means: Means,
) -> None:
    """Undo everything, also after one undo has failed. No permission is needed to heal."""
    failed: list[str] = []
    for entry, victim in begun:
        argv = filled(fault.undo, victim)
        ended = await run_command(argv, timeout_s=fault.timeout_s)
        told = means.tell(ended)
        if ended.is_ok:
            means.journal.undone(entry)
            means.history.write("info", f"heal-{name}", process=means.process, worker=victim.name)
        else:
            means.history.write(
                "fail", f"heal-{name}", process=means.process, worker=victim.name, error=told
            )
            failed.append(f"{victim.name}: {told}")
    if failed:
        raise UndoFailed(
            expected=f"the undo of {name!r} to end with 0",
            got="; ".join(failed),
            detail="THE FAULT IS STILL THERE as far as anybody can tell. The undo is tried once "
            "more when the run ends; if that fails too, heal it by hand",
        )


async def _to_the_end(healing: Awaitable[None]) -> None:
    """Await something whatever cancels us meanwhile; be cancelled only afterwards."""
    task = asyncio.ensure_future(healing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done():
                raise
            cancelled = error
        except UndoFailed:
            break
    task.result()
    if cancelled is not None:
        raise cancelled


def _marked(journal: Journal) -> Mapping[str, str]:
    """What an injecting command leaves running is ended with the run; what heals is not."""
    return {**os.environ, RUN_MARKER: journal.run_id}
