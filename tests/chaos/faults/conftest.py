"""Instances that only answer on a port, for faults to meet them."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from harness.history import HistoryEntry, HistoryWriter, read_history
from harness.instances.database_access import DatabaseAccess
from harness.instances.plan import Driver, Plan
from harness.instances.readiness import ask
from harness.machine import processes
from harness.machine.journal import Journal, read_entries
from harness.machine.ports import free_port
from harness.machine.processes import Process
from harness.recovery.healing import end_run
from harness.system import Instance, Role, System
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET
from harness.waiting import wait_until

PROGRAM = """
import http.server, signal, sys
class Any(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Any).serve_forever()
"""


class SomeInstances:
    """As much of a `System` as faults of instances need; each answers 204 on its port."""

    def __init__(self, journal: Journal, log_dir: Path) -> None:
        self.journal = journal
        self.target = load_target(DEFAULT_TARGET)
        self.plan = Plan(
            name="some",
            target=self.target,
            journal=journal,
            driver=Driver(),
            database=DatabaseAccess(),
        )
        self.instances: list[Instance] = []
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._log_dir = log_dir

    @property
    def workers(self) -> Sequence[Instance]:
        return sorted((e for e in self.instances if e.role == "worker"), key=lambda e: e.name)

    @property
    def api(self) -> Sequence[Instance]:
        return [each for each in self.instances if each.role == "api"]

    async def start(
        self, role: Role, environment: Mapping[str, str] | None = None, *more: str
    ) -> Instance:
        number = 1 + sum(each.role == role for each in self.instances)
        return await self._start(f"{role}-{number}", role, free_port(), *more)

    async def restart(
        self, instance: Instance, environment: Mapping[str, str] | None = None
    ) -> Instance:
        await self.kill(instance)
        self.instances.remove(instance)
        port = int(instance.base_url.rpartition(":")[2])
        return await self._start(instance.name, instance.role, port)

    async def _start(self, name: str, role: Role, port: int, *more: str) -> Instance:
        command = [sys.executable, "-c", PROGRAM, str(port), *more]
        child = subprocess.Popen(command, start_new_session=True)  # noqa: ASYNC220 - a moment
        process = Process.of(child.pid)
        assert process is not None
        instance = Instance(
            name=name,
            role=role,
            base_url=f"http://127.0.0.1:{port}",
            log_path=self._log_dir / "none.log",
            pid=child.pid,
            started=process.started,
        )
        self._children[instance.name] = child
        self.instances.append(instance)

        async def is_there() -> bool:
            return (await ask(instance.base_url, "/", 1)).is_ready

        await wait_until(is_there, 20, f"{name} to answer")
        return instance

    def is_alive(self, instance: Instance) -> bool:
        return self._children[instance.name].poll() is None

    def exit_code(self, instance: Instance) -> int | None:
        return self._children[instance.name].poll()

    def log_tail(self, instance: Instance, lines: int = 20) -> str:
        return f"(nothing of {instance.name} in {lines} lines)"

    async def kill(self, instance: Instance) -> None:
        assert not processes.kill_tree(process_of(instance))
        self._children[instance.name].wait()

    async def stop(self, instance: Instance, grace_s: float | None = None) -> int | None:
        child = self._children[instance.name]
        child.terminate()
        try:
            return child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    async def pause(self, instance: Instance) -> None:
        self._children[instance.name].send_signal(19)
        await wait_until(process_of(instance).is_stopped, 10, "a stop")

    def is_paused(self, instance: Instance) -> bool:
        return process_of(instance).is_stopped()

    def resume_command(self, instance: Instance) -> tuple[str, ...]:
        return ("kill", "-CONT", str(instance.pid))

    async def resume(self, instance: Instance) -> None:
        self._children[instance.name].send_signal(18)
        await wait_until(lambda: not process_of(instance).is_stopped(), 10, "its end")

    def without_ready_path(self) -> None:
        """Describe workers that have no port."""
        assert self.target.worker is not None
        worker = self.target.worker.model_copy(update={"ready_path": None})
        self.plan = replace(self.plan, target=self.target.model_copy(update={"worker": worker}))

    def end(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()


def process_of(instance: Instance) -> Process:
    assert instance.pid is not None
    return Process(instance.pid, instance.started)


def as_system(instances: SomeInstances) -> System:
    return cast("System", instances)


def faults_in(journal: Journal) -> list[dict[str, object]]:
    return [e.facts for e in read_entries(journal.run_dir).values() if e.kind == "fault"]


def steps_in(history: HistoryWriter) -> list[tuple[str, str, str | None]]:
    """Give what the history says of faults: type, label, step; each victim once."""
    return [(each.type, each.f, each.step) for each in entries_in(history)]


def entries_in(history: HistoryWriter) -> list[HistoryEntry]:
    return list(read_history(history.path))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.begin(tmp_path)
    yield journal
    end_run(journal)


@pytest.fixture
async def instances(journal: Journal, tmp_path: Path) -> AsyncIterator[SomeInstances]:
    instances = SomeInstances(journal, tmp_path)
    try:
        await instances.start("worker")
        await instances.start("worker")
        yield instances
    finally:
        instances.end()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[HistoryWriter]:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        yield history
