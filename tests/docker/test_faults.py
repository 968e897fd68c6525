"""Faults of instances prove themselves on containers as they do on processes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.faults.disconnect_instance import disconnect_instance
from chaos.faults.fault import Fault, injected
from chaos.faults.kill_instances import kill_instances
from chaos.faults.pause_instance import pause_instance
from chaos.faults.proof import FaultNotShown
from chaos.faults.restart_instances import restart_instances
from chaos.faults.skew_clock import skew_clock
from chaos.faults.stop_instances import stop_instances
from harness.history import HistoryWriter, read_history
from harness.system import Instance, System

pytestmark = pytest.mark.docker


async def steps_of(fault: Fault, system: System, folder: Path) -> list[tuple[str, str | None]]:
    """Inject and heal a fault; give the steps that were reached."""
    with HistoryWriter(folder / f"{fault.label}.jsonl") as history:
        async with injected(
            fault, journal=system.journal, history=history, offered=system.target.capabilities()
        ):
            pass
    return [(each.type, each.step) for each in read_history(history.path) if each.f == fault.label]


async def test_every_fault_of_an_instance_is_proven(shared: System, tmp_path: Path) -> None:
    proven = [("invoke", None), ("info", "requested"), ("info", "victim"), ("ok", "effect")]
    worker = shared.workers[0].name
    faults: tuple[Callable[[Instance], Fault], ...] = (
        lambda one: pause_instance(shared, one),
        lambda one: disconnect_instance(shared, one),
        lambda one: stop_instances(shared, [one]),
        lambda one: kill_instances(shared, [one]),
        lambda one: restart_instances(shared, [one]),
    )
    for fault_of in faults:
        [victim] = [each for each in shared.workers if each.name == worker]
        assert await steps_of(fault_of(victim), shared, tmp_path) == proven
    assert all(shared.is_alive(each) for each in shared.workers)


async def test_the_clock_of_a_container_is_refused(shared: System, tmp_path: Path) -> None:
    with pytest.raises(FaultNotShown, match="does not run as a process of this machine"):
        await steps_of(skew_clock(shared, shared.workers[0], 60), shared, tmp_path)
