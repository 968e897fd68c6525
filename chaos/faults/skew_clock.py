"""The clock of one instance is wrong; by its own clock all is well."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.needs import MachineNeed
from chaos.faults.outside import ItsPort, outside_of
from chaos.faults.proof import FaultNotShown
from harness.system import Instance, System
from harness.target import Capability

_NAMES = ("libfaketimeMT.so.1", "libfaketime.so.1")
_PLACES = (
    *("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"),
    *("/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime"),
)
LEAST_S = 5.0
"""The smallest error that can be seen: a `Date` has whole seconds, and an answer takes a moment."""


@cache
def faketime_library() -> str:
    """Give the path of libfaketime; empty where it is not installed."""
    found = (Path(place) / name for place in _PLACES for name in _NAMES)
    return next((str(path) for path in found if path.is_file()), "")


FAKETIME = MachineNeed(
    name="libfaketime",
    missing=lambda: "" if faketime_library() else "it is not installed",
    help="apt-get install libfaketime",
)


def skew_clock(system: System, victim: Instance, seconds: float) -> Fault:
    """Start an instance again with a clock that is so many seconds ahead, or behind.

    Its monotonic clock is right: what it waits for takes as long as before. Only for programs that
    run as processes and take the time from the C library; one that does not is reported.
    """
    seen_by = outside_of(system, [victim])
    skewed: list[Instance] = []

    async def check_possible() -> None:
        if abs(seconds) < LEAST_S:
            raise FaultNotShown(
                f"a clock error of {seconds:g} s cannot be seen; use at least {LEAST_S:g} s"
            )
        if victim.pid is None or victim.container is not None:
            raise FaultNotShown(
                f"the clock of {victim.name} cannot be changed: it does not run as a process of "
                'this machine; use driver = "process"'
            )

    async def inject() -> None:
        environment = {
            **victim.environment,
            "LD_PRELOAD": faketime_library(),
            "FAKETIME": f"{seconds:+g}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
        skewed.append(await system.restart(victim, environment))

    async def victim_shows() -> str:
        if "libfaketime" not in _loaded(skewed[-1]):
            raise FaultNotShown(f"{victim.name} has not loaded libfaketime: its clock is right")
        return f"{skewed[-1].place} has loaded libfaketime"

    async def others_see() -> str:
        error_s = await clock_error_s(system, skewed[-1])
        if abs(error_s - seconds) > abs(seconds) / 2:
            raise FaultNotShown(f"the Date of {victim.name} is wrong by {error_s:+.1f} s")
        return f"its Date is wrong by {error_s:+.1f} s"

    async def heal() -> None:
        await system.restart(skewed[-1] if skewed else victim, victim.environment)

    async def healed() -> str:
        error_s = await clock_error_s(system, victim)
        if abs(error_s) >= LEAST_S:
            raise FaultNotShown(f"the Date of {victim.name} is still wrong by {error_s:+.1f} s")
        return f"its Date is wrong by {error_s:+.1f} s"

    has_port = isinstance(seen_by, ItsPort)
    return Fault(
        label=f"clock-{victim.role}",
        what=f"clock of {victim.name} {seconds:+g} s",
        victims=(victim.name,),
        needs=frozenset({Capability.RESTART}),
        machine=(FAKETIME,),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see if has_port else None,
        unseen=seen_by.unseen,
        heal=heal,
        healed=healed if has_port else None,
    )


def _loaded(instance: Instance) -> str:
    """Give what a process has in its memory, the libraries among it."""
    return Path(f"/proc/{instance.pid}/maps").read_text(encoding="utf-8", errors="replace")


async def clock_error_s(system: System, instance: Instance) -> float:
    """Give how far an instance's clock is ahead of ours, by the `Date` of its answer."""
    stated = await ItsPort(system=system).date(instance)
    try:
        moment = parsedate_to_datetime(stated)
    except ValueError as error:
        raise FaultNotShown(
            f"the answers of {instance.name} have no Date by which its clock could be seen"
        ) from error
    return (moment - datetime.fromtimestamp(time.time(), UTC)).total_seconds()
