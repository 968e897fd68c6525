"""Faults take hold, prove it, and heal, also when what happens inside them goes wrong."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping

import pytest

from chaos.faults.fault import Fault, UndoFailed, injected
from chaos.faults.kill_instances import kill_instances
from chaos.faults.needs import MachineNeed
from chaos.faults.outside import ItsHeartbeats
from chaos.faults.pause_instance import pause_instance
from chaos.faults.proof import FaultNotShown, MachineLacks
from harness.history import HistoryWriter, read_history
from harness.machine.journal import Journal
from harness.system import Instance
from tests.chaos.faults.conftest import (
    SomeInstances,
    as_system,
    entries_in,
    faults_in,
    process_of,
    steps_in,
)

pytestmark = pytest.mark.integration


async def test_inside_the_victims_are_dead_and_outside_others_have_taken_their_place(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victims = list(instances.workers)
    fault = kill_instances(as_system(instances), victims, replacements=1)
    async with injected(fault, journal=journal, history=history) as holding:
        assert not any(process_of(victim).is_alive() for victim in victims)
        assert faults_in(journal)
        assert len(instances.workers) == 2
        assert not holding.unproven
    assert not faults_in(journal)
    assert instances.is_alive(instances.workers[2])
    written = entries_in(history)
    assert steps_in(history)[::2] == [
        ("invoke", "kill-worker", None),
        ("info", "kill-worker", "requested"),
        ("info", "kill-worker", "victim"),
        ("ok", "kill-worker", "effect"),
        ("info", "heal-kill-worker", "requested"),
        ("ok", "heal-kill-worker", "effect"),
    ]
    assert [each.worker for each in written] == ["worker-1", "worker-2"] * 6
    assert "Connection refused" in (written[-5].seen or "")


async def test_a_kill_heals_after_a_failure_too(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    fault = kill_instances(as_system(instances), instances.workers[:1], replacements=2)
    with pytest.raises(ValueError, match="inside"):
        async with injected(fault, journal=journal, history=history):
            raise ValueError("inside")
    assert len(instances.workers) == 4


async def test_one_that_died_by_itself_proves_nothing(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    await instances.kill(instances.workers[0])
    fault = kill_instances(as_system(instances), instances.workers, replacements=0)
    with pytest.raises(FaultNotShown, match="worker-1 ended by itself"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was injected")
    assert not faults_in(journal)
    assert not list(read_history(history.path)), "nothing was harmed"


async def test_a_dead_process_whose_work_goes_on_elsewhere_proves_nothing(
    instances: SomeInstances,
    history: HistoryWriter,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    victim, other = instances.workers
    monkeypatch.setattr("chaos.faults.outside.SHOWS_WITHIN_S", 0.2)
    answered_by_another = [Instance(**{**vars(victim), "base_url": other.base_url})]
    fault = kill_instances(as_system(instances), answered_by_another, replacements=0)
    with pytest.raises(FaultNotShown, match="worker-1 to be refused"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was proven")
    assert steps_in(history)[-3:] == [
        ("info", "kill-worker", "victim"),
        ("info", "kill-worker", "effect"),
        ("info", "heal-kill-worker", "requested"),
    ]


async def test_inside_the_victim_stands_still_and_outside_it_runs(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victim = instances.workers[0]
    pause = pause_instance(as_system(instances), victim)
    async with injected(pause, journal=journal, history=history):
        assert process_of(victim).is_stopped()
        [fault] = faults_in(journal)
        assert fault["what"] == "pause of worker-1"
    assert not process_of(victim).is_stopped()
    assert not faults_in(journal)
    assert steps_in(history) == [
        ("invoke", "pause-worker", None),
        ("info", "pause-worker", "requested"),
        ("info", "pause-worker", "victim"),
        ("ok", "pause-worker", "effect"),
        ("info", "heal-pause-worker", "requested"),
        ("ok", "heal-pause-worker", "effect"),
    ]


async def test_a_frozen_worker_at_whose_port_another_answers_proves_nothing(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victim, other = instances.workers
    moved = Instance(**{**vars(victim), "base_url": other.base_url})
    with pytest.raises(FaultNotShown, match=r"worker-1 should say nothing, but .* got: 204"):
        async with injected(
            pause_instance(as_system(instances), moved), journal=journal, history=history
        ):
            pytest.fail("the fault was proven")
    assert not process_of(victim).is_stopped()


async def test_a_pause_heals_after_a_failure_too(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victim = instances.workers[0]
    pause = pause_instance(as_system(instances), victim)
    with pytest.raises(ValueError, match="inside"):
        async with injected(pause, journal=journal, history=history):
            raise ValueError("inside")
    assert not process_of(victim).is_stopped()


async def test_a_pause_that_somebody_else_ended_proves_nothing(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victim = instances.workers[0]
    pause = pause_instance(as_system(instances), victim)
    with pytest.raises(FaultNotShown, match="woke worker-1"):
        async with injected(pause, journal=journal, history=history):
            await instances.resume(victim)


async def test_the_undo_in_the_journal_wakes_the_victim(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    victim = instances.workers[0]
    pause = pause_instance(as_system(instances), victim)
    async with injected(pause, journal=journal, history=history):
        [fault] = faults_in(journal)
        undo = json.loads(json.dumps(fault["undo"]))
        subprocess.run(undo, check=True, timeout=10)  # noqa: ASYNC221 - a moment
        assert not process_of(victim).is_stopped()
        await instances.pause(victim)


async def test_a_worker_that_nobody_can_see_is_harmed_and_not_proven(
    instances: SomeInstances, history: HistoryWriter, journal: Journal
) -> None:
    instances.without_ready_path()
    fault = kill_instances(as_system(instances), instances.workers[:1], replacements=0)
    async with injected(fault, journal=journal, history=history) as holding:
        [why] = holding.unproven
    assert "no other client can see the SIGKILL of worker-1" in why
    assert "write [worker] ready_path" in why
    assert ("ok", "kill-worker", "effect") not in steps_in(history)


@pytest.mark.parametrize("goes_on", [False, True])
async def test_heartbeats_that_do_not_come_are_seen_of_a_worker_without_a_port(
    instances: SomeInstances, history: HistoryWriter, journal: Journal, goes_on: bool
) -> None:
    instances.without_ready_path()
    beats = 1

    async def read(_: Instance) -> Mapping[str, object]:
        nonlocal beats
        beats += goes_on
        return {"e1": beats}

    outside = ItsHeartbeats(read=read, interval_s=0.01)
    pause = pause_instance(as_system(instances), instances.workers[0], outside)
    if goes_on:
        with pytest.raises(FaultNotShown, match="a heartbeat of export e1: 2 became 3"):
            async with injected(pause, journal=journal, history=history):
                pytest.fail("the fault was proven")
        return
    async with injected(pause, journal=journal, history=history) as holding:
        assert not holding.unproven
    assert ("ok", "pause-worker", "effect") in steps_in(history)


async def test_what_a_machine_lacks_is_told_apart_and_nothing_is_harmed(
    history: HistoryWriter, journal: Journal
) -> None:
    steps: list[str] = []
    need = MachineNeed(name="libx", missing=lambda: "it is not installed", help="install it")
    fault = scripted("one", steps, machine=(need,))
    with pytest.raises(MachineLacks, match="on this machine: libx: it is not installed; install"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was injected")
    assert not steps
    assert not faults_in(journal)


def scripted(
    name: str, steps: list[str], failing: str = "", machine: tuple[MachineNeed, ...] = ()
) -> Fault:
    """A fault whose steps are noted; one of them may fail."""

    def step(what: str) -> Callable[[], Awaitable[str]]:
        async def run() -> str:
            steps.append(f"{what} {name}")
            if what == failing:
                raise UndoFailed(expected=f"{what} {name}", got="no")
            return what

        return run

    def act(what: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await step(what)()

        return run

    return Fault(
        label=name,
        what=f"{name} of x",
        victims=("x",),
        machine=machine,
        undo=("true",),
        check_possible=act("check"),
        inject=act("inject"),
        victim_shows=step("victim"),
        others_see=step("effect"),
        check_still_there=act("still"),
        heal=act("heal"),
        healed=step("healed"),
    )


async def test_several_faults_hold_together_and_are_healed_in_reverse(
    history: HistoryWriter, journal: Journal
) -> None:
    steps: list[str] = []
    faults = (scripted("one", steps), scripted("two", steps))
    async with injected(*faults, journal=journal, history=history):
        assert [each["what"] for each in faults_in(journal)] == ["one of x", "two of x"]
        steps.append("inside")
    assert steps == [
        *("check one", "inject one", "check two", "inject two"),
        *("victim one", "effect one", "victim two", "effect two"),
        *("inside", "still one", "still two"),
        *("heal two", "heal one", "healed one", "healed two"),
    ]


async def test_one_that_cannot_be_healed_keeps_its_undo_and_the_others_are_healed(
    history: HistoryWriter, journal: Journal
) -> None:
    steps: list[str] = []
    faults = (scripted("one", steps), scripted("two", steps, failing="heal"))
    with pytest.raises(UndoFailed, match="heal two"):
        async with injected(*faults, journal=journal, history=history):
            steps.clear()
    assert steps == ["still one", "still two", "heal two", "heal one"]
    assert [each["what"] for each in faults_in(journal)] == ["two of x"]
    ends = [(each.f, each.type) for each in read_history(history.path)][-2:]
    assert ends == [("heal-two", "fail"), ("heal-one", "info")]


async def test_what_is_canceled_is_healed_to_the_end(
    history: HistoryWriter, journal: Journal
) -> None:
    steps: list[str] = []
    entered = asyncio.Event()

    async def harm() -> None:
        async with injected(scripted("one", steps), journal=journal, history=history):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.ensure_future(harm())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps[-1] == "heal one"
    assert not faults_in(journal)


async def test_why_one_was_not_looked_at_is_in_the_history(
    history: HistoryWriter, journal: Journal
) -> None:
    faults = (scripted("one", []), scripted("two", [], failing="check"))
    with pytest.raises(UndoFailed):
        async with injected(*faults, journal=journal, history=history):
            pass
    [why] = [each.error for each in read_history(history.path) if each.error]
    assert why == "expected check two\ngot no"
