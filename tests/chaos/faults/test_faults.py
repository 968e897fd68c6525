"""Faults take hold, prove it, and heal, also when what happens inside them goes wrong."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from chaos.faults.fault import Fault, UndoFailed, injected
from chaos.faults.kill_workers import kill_workers
from chaos.faults.pause_worker import pause_worker
from harness.errors import Inconclusive
from harness.history import HistoryWriter, read_history
from harness.machine import processes
from harness.machine.journal import Journal, read_entries
from harness.machine.processes import Process
from harness.recovery.healing import end_run
from harness.system import Instance, Role, System

pytestmark = pytest.mark.integration


class SomeWorkers:
    """As much of a `System` as faults need, with workers that only wait."""

    def __init__(self, journal: Journal, log_dir: Path) -> None:
        self.journal = journal
        self.workers: list[Instance] = []
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._log_dir = log_dir

    async def start(self, role: Role, environment: Mapping[str, str] | None = None) -> Instance:
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(command, start_new_session=True)  # noqa: ASYNC220 - a moment
        process = Process.of(child.pid)
        assert process is not None
        instance = Instance(
            name=f"{role}-{len(self.workers) + 1}",
            role=role,
            base_url="http://127.0.0.1:1",
            log_path=self._log_dir / "none.log",
            pid=child.pid,
            started=process.started,
        )
        self._children[instance.name] = child
        self.workers.append(instance)
        return instance

    def is_alive(self, instance: Instance) -> bool:
        return self._children[instance.name].poll() is None

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        return f"(nothing of {instance.name} in {lines} lines)"

    async def kill(self, instance: Instance) -> None:
        assert not processes.kill_tree(processes_of(instance))
        self._children[instance.name].wait()

    async def pause(self, instance: Instance) -> None:
        self._children[instance.name].send_signal(19)
        while not processes_of(instance).is_stopped():
            pass

    def is_paused(self, instance: Instance) -> bool:
        return processes_of(instance).is_stopped()

    def resume_command(self, instance: Instance) -> tuple[str, ...]:
        return ("kill", "-CONT", str(instance.pid))

    async def resume(self, instance: Instance) -> None:
        self._children[instance.name].send_signal(18)
        while processes_of(instance).is_stopped():
            pass

    def end(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()


def processes_of(instance: Instance) -> Process:
    assert instance.pid is not None
    return Process(instance.pid, instance.started)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.begin(tmp_path)
    yield journal
    end_run(journal)


@pytest.fixture
async def workers(journal: Journal, tmp_path: Path) -> AsyncIterator[SomeWorkers]:
    workers = SomeWorkers(journal, tmp_path)
    await workers.start("worker")
    await workers.start("worker")
    yield workers
    workers.end()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[HistoryWriter]:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        yield history


def as_system(workers: SomeWorkers) -> System:
    return cast("System", workers)


def faults_in(journal: Journal) -> list[dict[str, object]]:
    return [e.facts for e in read_entries(journal.run_dir).values() if e.kind == "fault"]


async def test_inside_the_victims_are_dead_and_outside_others_have_taken_their_place(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    victims = list(workers.workers)
    fault = kill_workers(as_system(workers), victims, replacements=1)
    async with injected(fault, journal=journal, history=history):
        assert not any(processes_of(victim).is_alive() for victim in victims)
        assert faults_in(journal)
        assert len(workers.workers) == 2
    assert not faults_in(journal)
    assert workers.is_alive(workers.workers[2])
    types = [(line.type, line.f, line.worker) for line in read_history(history.path)]
    assert types == [
        ("invoke", "kill-worker", "worker-1"),
        ("invoke", "kill-worker", "worker-2"),
        ("ok", "kill-worker", "worker-1"),
        ("ok", "kill-worker", "worker-2"),
    ]


async def test_a_kill_heals_after_a_failure_too(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    fault = kill_workers(as_system(workers), workers.workers[:1], replacements=2)
    with pytest.raises(ValueError, match="inside"):
        async with injected(fault, journal=journal, history=history):
            raise ValueError("inside")
    assert len(workers.workers) == 4


async def test_one_that_died_by_itself_proves_nothing(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    await workers.kill(workers.workers[0])
    fault = kill_workers(as_system(workers), workers.workers, replacements=0)
    with pytest.raises(Inconclusive, match="worker-1 ended by itself"):
        async with injected(fault, journal=journal, history=history):
            pytest.fail("the fault was injected")
    assert not faults_in(journal)
    assert not list(read_history(history.path)), "nothing was harmed"


async def test_inside_the_victim_stands_still_and_outside_it_runs(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    victim = workers.workers[0]
    pause = pause_worker(as_system(workers), victim)
    async with injected(pause, journal=journal, history=history):
        assert processes_of(victim).is_stopped()
        [fault] = faults_in(journal)
        assert fault["what"] == "pause of worker-1"
    assert not processes_of(victim).is_stopped()
    assert not faults_in(journal)


async def test_a_pause_heals_after_a_failure_too(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    victim = workers.workers[0]
    pause = pause_worker(as_system(workers), victim)
    with pytest.raises(ValueError, match="inside"):
        async with injected(pause, journal=journal, history=history):
            raise ValueError("inside")
    assert not processes_of(victim).is_stopped()


async def test_a_pause_that_somebody_else_ended_proves_nothing(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    victim = workers.workers[0]
    pause = pause_worker(as_system(workers), victim)
    with pytest.raises(Inconclusive, match="woke worker-1"):
        async with injected(pause, journal=journal, history=history):
            await workers.resume(victim)


async def test_the_undo_in_the_journal_wakes_the_victim(
    workers: SomeWorkers, history: HistoryWriter, journal: Journal
) -> None:
    victim = workers.workers[0]
    pause = pause_worker(as_system(workers), victim)
    async with injected(pause, journal=journal, history=history):
        [fault] = faults_in(journal)
        undo = json.loads(json.dumps(fault["undo"]))
        subprocess.run(undo, check=True, timeout=10)  # noqa: ASYNC221 - a moment
        assert not processes_of(victim).is_stopped()
        await workers.pause(victim)


def scripted(name: str, steps: list[str], failing: str = "") -> Fault:
    """A fault whose steps are noted; one of them may fail."""

    def step(what: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            steps.append(f"{what} {name}")
            if what == failing:
                raise UndoFailed(expected=f"{what} {name}", got="no")

        return run

    return Fault(
        label=name,
        what=f"{name} of x",
        victims=("x",),
        undo=("true",),
        check_possible=step("check"),
        inject=step("inject"),
        prove=step("prove"),
        check_still_there=step("still"),
        heal=step("heal"),
        heal_label=f"heal-{name}",
        prove_healed=step("healed"),
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
        *("check one", "inject one", "check two", "inject two", "prove one", "prove two"),
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
