import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.machine.processes import (
    RUN_MARKER,
    Process,
    kill_all,
    kill_tree,
    process_tree,
    processes_of_run,
    send,
)

pytestmark = pytest.mark.integration

# Starts a child in its own group, one in a session of its own, says so, and waits.
TREE = """
import subprocess, sys, time
subprocess.Popen(["sleep", "300"])
subprocess.Popen(["sleep", "300"], process_group=0)
subprocess.Popen(["sleep", "300"], start_new_session=True)
print("up", flush=True)
time.sleep(300)
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(*command: str, **more: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401 - as Popen
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            start_new_session=True,
            **more,
        )
        started.append(child)
        return child

    yield begin
    for child in started:
        leader = Process.of(child.pid)
        if leader is not None:
            kill_tree(leader)
        child.wait()
        assert child.stdout
        child.stdout.close()


def tree(start: Start) -> tuple[Process, list[Process]]:
    child = start(sys.executable, "-c", TREE)
    assert child.stdout
    assert child.stdout.readline() == b"up\n"
    leader = Process.of(child.pid)
    assert leader
    return leader, process_tree(leader)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.005)


def test_a_process_is_known_by_pid_and_start_time(start: Start) -> None:
    child = start("sleep", "300")
    process = Process.of(child.pid)
    assert process
    assert process.is_alive()
    assert not Process(process.pid, "another start time").is_alive()
    child.kill()
    wait_until(lambda: not process.is_alive())  # a zombie: nobody has waited for it yet
    child.wait()
    assert Process.of(child.pid) is None


def test_ourselves() -> None:
    assert Process.ours().pid == os.getpid()
    assert Process.ours().is_alive()
    assert Process.of(2**22 - 1) is None


def test_stopped_is_alive(start: Start) -> None:
    process = Process.of(start("sleep", "300").pid)
    assert process
    send([process], signal.SIGSTOP)
    wait_until(process.is_stopped)
    assert process.is_alive()
    send([process], signal.SIGCONT)
    wait_until(lambda: not process.is_stopped())


def test_a_family_is_session_and_descendants(start: Start) -> None:
    leader, members = tree(start)
    assert leader in members
    assert len(members) == 4


def test_a_family_dies_as_one(start: Start) -> None:
    leader, members = tree(start)
    assert kill_tree(leader) == []
    assert not any(member.is_alive() for member in members)


def test_what_is_left_of_a_family_without_its_leader(start: Start) -> None:
    leader, members = tree(start)
    send([leader], signal.SIGKILL)
    wait_until(lambda: not leader.is_alive())
    left = process_tree(leader)
    # The one in another session has no tie to the dead leader any more; its mark would tell.
    assert len(left) == 2
    assert kill_tree(leader) == []
    for member in members:
        send([member], signal.SIGKILL)


def test_a_reused_pid_is_not_killed(start: Start) -> None:
    leader, members = tree(start)
    impostor = Process(leader.pid, "1")
    assert process_tree(impostor) == []
    send([impostor], signal.SIGKILL)
    assert kill_tree(impostor) == []
    assert all(member.is_alive() for member in members)
    kill_tree(leader)


def test_a_mark_is_inherited_whatever_session(start: Start, tmp_path: Path) -> None:
    child = start(sys.executable, "-c", TREE, env={**os.environ, RUN_MARKER: "run-1"})
    assert child.stdout
    child.stdout.readline()
    found = processes_of_run("run-1", tmp_path)
    assert len(found) == 4
    assert processes_of_run("run-", tmp_path) == []
    assert kill_all(lambda: processes_of_run("run-1", tmp_path)) == []
    assert not any(process.is_alive() for process in found)


def test_working_in_the_directory_counts_as_a_mark(start: Start, tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    child = start("sleep", "300", cwd=inside)
    assert [process.pid for process in processes_of_run("none", tmp_path / "a")] == [child.pid]
    assert processes_of_run("none", tmp_path / "ab") == []


def test_we_and_our_ancestors_are_spared(start: Start, tmp_path: Path) -> None:
    script = (
        "from harness.machine.processes import *; import pathlib; "
        "print(processes_of_run('r', pathlib.Path.cwd()))"
    )
    shell = f'"{sys.executable}" -c "{script}"; true'
    child = start("sh", "-c", shell, cwd=tmp_path, env={**os.environ, RUN_MARKER: "r"})
    assert child.communicate()[0] == b"[]\n"


def test_kill_all_gives_up_at_its_deadline() -> None:
    immortal = [Process(2**22 - 1, "never started")]
    assert kill_all(lambda: immortal, deadline_s=0.02) == immortal
