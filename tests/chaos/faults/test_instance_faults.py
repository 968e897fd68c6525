"""Instances are stopped, restarted and killed in numbers; what did not happen is told."""

import pytest

from chaos.faults.fault import injected
from chaos.faults.kill_instances import kill_instances
from chaos.faults.pause_instance import pause_instance
from chaos.faults.proof import FaultNotShown
from chaos.faults.restart_instances import restart_instances
from chaos.faults.stop_instances import stop_instances
from harness.history import HistoryWriter
from harness.machine.journal import Journal
from harness.system import Instance
from tests.chaos.faults.conftest import (
    SomeInstances,
    as_system,
    entries_in,
    process_of,
    steps_in,
)

pytestmark = pytest.mark.integration


def seen_in(history: HistoryWriter, label: str, step: str) -> str:
    [seen] = {each.seen for each in entries_in(history) if (each.f, each.step) == (label, step)}
    return seen or ""


async def test_all_of_a_role_are_killed_at_once_and_come_back_under_their_names(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victims = list(instances.workers)
    fault = kill_instances(as_system(instances), victims)
    async with injected(fault, journal=journal, history=history):
        assert not any(instances.is_alive(each) for each in victims)
    assert [each.name for each in instances.workers] == ["worker-1", "worker-2"]
    assert all(instances.is_alive(each) for each in instances.workers)
    assert seen_in(history, "heal-kill-worker", "effect").count(": 204") == 2


async def test_a_second_fault_meets_another_instance_while_the_first_holds(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    system = as_system(instances)
    first, second = instances.workers
    async with injected(pause_instance(system, first), journal=journal, history=history):
        async with injected(kill_instances(system, [second]), journal=journal, history=history):
            assert process_of(first).is_stopped()
            assert not process_of(second).is_alive()
        assert process_of(first).is_stopped()
    assert all(instances.is_alive(each) for each in instances.workers)
    assert not process_of(first).is_stopped()


@pytest.mark.parametrize(("stubborn", "expected"), [((), "SIGTERM"), (("stubborn",), "SIGKILL")])
async def test_one_is_told_to_end_and_killed_after_the_grace(
    instances: SomeInstances,
    history: HistoryWriter,
    journal: Journal,
    stubborn: tuple[str, ...],
    expected: str,
) -> None:
    victim = await instances.start("worker", None, *stubborn)
    fault = stop_instances(as_system(instances), [victim], grace_s=0.3 if stubborn else 20)
    async with injected(fault, journal=journal, history=history):
        assert not instances.is_alive(victim)
    assert instances.is_alive(instances.workers[-1])
    assert expected in seen_in(history, "stop-worker", "victim")
    assert "Connection refused" in seen_in(history, "stop-worker", "effect")


async def test_one_that_is_not_stopped_is_told(
    instances: SomeInstances,
    history: HistoryWriter,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def stop(instance: Instance, grace_s: float | None = None) -> int:
        return 0  # it only says so

    monkeypatch.setattr(instances, "stop", stop)
    fault = stop_instances(as_system(instances), instances.workers[:1])
    with pytest.raises(FaultNotShown, match=r"worker-1 \(pid \d+\) still runs"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was proven")
    assert steps_in(history)[2] == ("info", "stop-worker", "victim")


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_restart_is_seen_by_clients_and_leaves_nothing_to_heal(
    instances: SomeInstances, history: HistoryWriter, journal: Journal, one_by_one: bool
) -> None:
    before = list(instances.workers)
    fault = restart_instances(as_system(instances), before, one_by_one=one_by_one)
    async with injected(fault, journal=journal, history=history):
        now = instances.workers
        assert [each.name for each in now] == [each.name for each in before]
        assert not {each.pid for each in now} & {each.pid for each in before}
    label = "rolling-restart-worker" if one_by_one else "restart-worker"
    assert seen_in(history, label, "effect").count("refused ") == 2


async def test_a_restart_that_no_client_notices_is_told(
    instances: SomeInstances,
    history: HistoryWriter,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chaos.faults.absence.NOTICED_WITHIN_S", 0.05)
    victim, other = instances.workers
    moved = Instance(**{**vars(victim), "base_url": other.base_url})

    async def restart(_: Instance) -> Instance:
        return await SomeInstances.restart(instances, victim)

    monkeypatch.setattr(instances, "restart", restart)
    fault = restart_instances(as_system(instances), [moved])
    with pytest.raises(FaultNotShown, match="no client was ever refused"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was proven")
    assert steps_in(history)[2:4] == [
        ("info", "restart-worker", "victim"),
        ("info", "restart-worker", "effect"),
    ]
