"""Processes by pid and start time, so that a reused pid is never taken for the old process."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

RUN_MARKER = "SHAKEDOWN_RUN"
"""Environment variable of everything a run starts; its value is the run's id."""

_POLL_S = 0.005


@dataclass(frozen=True)
class Process:
    """One process, not just a number that the next one may get."""

    pid: int
    started: str
    """The kernel's own start time, in its own unit; the same for every reader."""

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """Give the process with this pid, or None when there is none, or only a zombie."""
        status = _status(pid)
        return cls(pid, status.started) if status and status.state != "Z" else None

    @classmethod
    def ours(cls) -> "Process":
        """Give the calling process."""
        own = cls.of(os.getpid())
        assert own is not None
        return own

    def is_alive(self) -> bool:
        """Say whether it still runs; a stopped process does, a zombie does not."""
        return Process.of(self.pid) == self

    def is_stopped(self) -> bool:
        """Say whether it is stopped by SIGSTOP."""
        status = _status(self.pid)
        return bool(status and status.started == self.started and status.state in "Tt")


@dataclass(frozen=True)
class _Status:
    state: str
    parent: int
    session: int
    started: str


def _status(pid: int) -> _Status | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return None if Path("/proc/self").exists() else _portable_status(pid)
    # The command's name is in parentheses and may hold anything, spaces and parentheses too.
    fields = text[text.rindex(")") + 2 :].split()
    return _Status(fields[0], int(fields[1]), int(fields[3]), fields[19])


def _portable_status(pid: int) -> _Status | None:
    try:
        found = psutil.Process(pid)
        with found.oneshot():
            kind = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_STOPPED: "T"}.get(found.status(), "R")
            return _Status(kind, found.ppid(), os.getsid(pid), repr(found.create_time()))
    except (psutil.Error, ProcessLookupError):
        return None


def process_tree(leader: Process) -> list[Process]:
    """Give a process, everything in its session, and their descendants that still run."""
    statuses = {pid: status for pid in psutil.pids() if (status := _status(pid)) is not None}
    own = statuses.get(leader.pid)
    members = {
        pid
        for pid, status in statuses.items()
        if status.session == leader.pid or (pid == leader.pid and status.started == leader.started)
    }
    if own is not None and own.started != leader.started:
        # The pid belongs to another process now, and the kernel never reuses the id of a session
        # that still has members.
        return []
    grown = True
    while grown:
        more = {pid for pid, status in statuses.items() if status.parent in members} - members
        members |= more
        grown = bool(more)
    return [Process(pid, statuses[pid].started) for pid in sorted(members)
            if statuses[pid].state != "Z"]  # fmt: skip


def processes_of_run(run_id: str, *directories: Path) -> list[Process]:
    """Find all processes that a run started: by their environment, or by where they work.

    PostgreSQL writes over its environment, but works in its data directory, one of
    `directories`. We ourselves and
    our ancestors are left out.
    """
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    wanted = f"{RUN_MARKER}={run_id}".encode()
    found = []
    for pid in psutil.pids():
        if pid not in spared and (
            _has_marker(pid, wanted) or any(_works_in(pid, each) for each in directories)
        ):
            process = Process.of(pid)
            if process is not None:
                found.append(process)
    return found


def _has_marker(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        pass
    if Path("/proc/self").exists():
        return False
    with contextlib.suppress(psutil.Error, OSError):
        name, _, value = wanted.decode().partition("=")
        return psutil.Process(pid).environ().get(name) == value
    return False


def _works_in(pid: int, directory: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return Path(psutil.Process(pid).cwd()).is_relative_to(directory)
    return False


def send(processes: Iterable[Process], number: int) -> None:
    """Send a signal to each of them that still runs."""
    for process in processes:
        if process.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)


def kill_tree(leader: Process, deadline_s: float = 5.0) -> list[Process]:
    """SIGKILL a process with its session and descendants; give those that would not die.

    Blocks until they are dead. Looks again after killing: one may just have had a child.
    """
    return kill_all(lambda: process_tree(leader), deadline_s)


def kill_all(find: Callable[[], list[Process]], deadline_s: float = 5.0) -> list[Process]:
    """SIGKILL what `find` gives until it gives nothing; give what is left at the deadline."""
    end = time.monotonic() + deadline_s
    while left := find():
        send(left, signal.SIGKILL)
        if time.monotonic() > end:
            return left
        time.sleep(_POLL_S)
    return []
