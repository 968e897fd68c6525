"""A fault by the command lines of a target file, on an instance that runs elsewhere."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.faults.fault import Fault, UndoFailed
from chaos.faults.proof import FaultNotShown
from harness.guard import Guard
from harness.machine.commands import CommandResult, run_command
from harness.machine.processes import RUN_MARKER
from harness.target import Capability
from harness.target.tables.chaos import ChaosInstance, FaultCommands
from harness.target.values.template import fill

PROOF_POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """What a fault by commands needs besides its commands."""

    guard: Guard
    run_id: str
    """Marks what an injecting command leaves running: it is ended with the run."""
    record: Callable[[CommandResult], str]
    """Keeps what a command printed, and returns it for a message, without secrets."""
    is_over: Callable[[], bool]
    """Whether the drill is aborted: nothing more is injected then."""


def run_commands(
    name: str, commands: FaultCommands, victim: ChaosInstance, context: CommandContext
) -> Fault:
    """Harm one instance by the commands `inject`, `proof` and `undo` of a target file.

    Raises `Refused` where the instance must not be harmed now, `FaultNotShown` when `inject` failed
    or `proof` did not succeed in time, and `UndoFailed` when `undo` failed.
    """
    marked = {**os.environ, RUN_MARKER: context.run_id}

    async def run(argv: Sequence[str], timeout_s: float) -> CommandResult:
        return await run_command(
            filled(argv, victim),
            timeout_s=timeout_s,
            environment=marked,
            is_over=context.is_over,
        )

    async def check_possible() -> None:
        # Right before the act: what was allowed a moment ago may be forbidden now.
        await context.guard.permit(victim.host)

    async def inject() -> None:
        ended = await run(commands.inject, commands.timeout_s)
        printed = context.record(ended)
        if not ended.is_ok:
            raise FaultNotShown(f"the command that injects {name!r} failed: {printed}")

    async def others_see() -> str:
        loop = asyncio.get_running_loop()
        until = loop.time() + commands.timeout_s
        while True:
            ended = await run(commands.proof or (), max(0.1, until - loop.time()))
            if ended.is_ok:
                context.record(ended)
                return f"{ended.argv[0]} ended with 0"
            if loop.time() > until or context.is_over():
                raise FaultNotShown(
                    f"the proof of {name!r} on {victim.name} did not succeed within "
                    f"{commands.timeout_s:g} s: {context.record(ended)}"
                )
            await asyncio.sleep(PROOF_POLL_S)

    async def heal() -> None:
        # Not marked, and without permission: nothing may keep a system from being healed.
        ended = await run_command(undo, timeout_s=commands.timeout_s)
        printed = context.record(ended)
        if not ended.is_ok:
            raise UndoFailed(
                expected=f"exit code 0 of the undo of {name!r}",
                got=f"{victim.name}: {printed}",
                detail="THE FAULT MAY STILL BE THERE. The undo is tried once more when the run "
                "ends; if that fails too, heal the system by hand",
            )

    undo = filled(commands.undo, victim)
    return Fault(
        label=name,
        what=f"{name} of {victim.name}",
        victims=(victim.name,),
        needs=frozenset({Capability.FAULTS}),
        undo=undo,
        undo_timeout_s=commands.timeout_s,
        check_possible=check_possible,
        inject=inject,
        # It runs elsewhere: only what its platform, or a client, says of it can be asked for.
        victim_shows=None,
        others_see=others_see if commands.proof else None,
        unseen=f"write proof = [...] into [chaos.faults.{name}]: a command that ends with 0 once "
        "another client sees what was done to {instance}",
        heal=heal,
    )


def filled(argv: Sequence[str], victim: ChaosInstance) -> tuple[str, ...]:
    """Fill an instance's names into a command."""
    values = {
        "instance": victim.name,
        "role": victim.role,
        "host": victim.host,
        "python": sys.executable,
    }
    return tuple(fill(word, values) for word in argv)
