"""Undoing what a run made: used when it ends and when it was killed before it could."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine import processes
from harness.machine.journal import Entry, Journal, read_entries
from harness.machine.mounts import unmount
from harness.machine.processes import Process
from harness.postgres.pid_file import remove_shared_memory, running_server

_SERVER_GRACE_S = 5.0


@dataclass(kw_only=True)
class Healing:
    """What was still there of a run, and what could not be undone."""

    run_id: str
    ended: list[str] = field(default_factory=list)
    """Processes that were ended, by name as far as it is known."""
    undone: list[str] = field(default_factory=list)
    """Faults that were undone."""
    removed: list[Path | str] = field(default_factory=list)
    """Directories, and by name what was in the container engine."""
    problems: list[str] = field(default_factory=list)


def end_run(journal: Journal) -> Healing:
    """End a run: undo what its journal lists, remove its directory; safe to call twice.

    Where the run was begun by another process, only the journal's file is closed.
    """
    if not journal.close():
        return Healing(run_id=journal.run_id)
    # A process that attached ends by itself.
    entries = [e for e in read_entries(journal.run_dir).values() if e.kind != "attached"]
    return heal(journal.run_id, journal.run_dir, entries)


def heal(run_id: str, run_dir: Path, entries: Iterable[Entry]) -> Healing:
    """Undo everything in the journal, newest first, then end all else that has the run's mark.

    Blocks until it is done, some seconds at most per thing; never raises.
    """
    healing = Healing(run_id=run_id)
    kept = list(entries)[::-1]
    faults = [entry for entry in kept if entry.kind == "fault"]
    still_there = [entry for entry in faults if not _undo_fault(entry, run_dir, healing)]
    for entry in kept:
        if entry.kind in {"process", "attached"} and entry.process:
            _end(entry.process, str(entry.facts.get("what", entry.kind)), healing)
    for entry in kept:
        if entry.kind == "engine":
            _clear_engine(str(entry.facts["host"]), healing)
    for entry in kept:
        if entry.kind == "cluster":
            _stop_server(Path(entry.facts["path"]), healing)
    places = [Path(e.facts["path"]) for e in kept if e.kind in {"cluster", "directory"}]
    _end_marked(run_id, [run_dir, *places], healing)
    for entry in kept:
        if entry.kind == "mount":
            _unmount(Path(entry.facts["path"]), healing)
    for entry in kept:
        if entry.kind == "directory":
            _remove(Path(entry.facts["path"]), healing)
    if not still_there:  # what undoes them is in the journal, for another try
        _remove(run_dir, healing)
    return healing


def _undo_fault(entry: Entry, run_dir: Path, healing: Healing) -> bool:
    """Run the command that undoes a fault; say whether it did."""
    what = str(entry.facts.get("what"))
    try:
        undo, timeout_s = list(entry.facts["undo"]), float(entry.facts.get("timeout_s", 30))
        problem = _run(undo, timeout_s)
    except (OSError, KeyError, ValueError, TypeError) as error:
        problem = str(error)
    if problem:
        healing.problems.append(
            f"the fault {what!r} could not be undone: {problem}; undo it by hand, then remove "
            f"{run_dir}, or try `shakedown recover` again"
        )
    else:
        healing.undone.append(what)
    return not problem


def _run(command: list[str], timeout_s: float) -> str:
    """Run a command to its end; give why it did not do its work, or nothing."""
    # Its output goes nowhere: a child that outlives it would hold a pipe open.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        exit_code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        if process := Process.of(child.pid):
            processes.kill_tree(process)
        child.wait()
        return f"{command} did not end within {timeout_s:g} s"
    return f"{command} ended with {exit_code}" if exit_code else ""


def _end(process: Process, what: str, healing: Healing) -> None:
    there = processes.process_tree(process)
    if not there or process == Process.ours():
        return
    if left := processes.kill_tree(process):
        healing.problems.append(f"{what} still ran after SIGKILL: {_pids(left)}")
    else:
        healing.ended.append(f"{what} (pid {process.pid})")


def _stop_server(data_dir: Path, healing: Healing) -> None:
    """End a PostgreSQL with its children; asked to, it cleans up more than we could."""
    server = running_server(data_dir)
    if server is not None:
        processes.send([server], signal.SIGQUIT)
        end = time.monotonic() + _SERVER_GRACE_S
        while server.is_alive() and time.monotonic() < end:
            time.sleep(0.005)
        if server.is_alive():
            _end(server, "postgres", healing)
        else:
            healing.ended.append(f"postgres (pid {server.pid})")
    remove_shared_memory(data_dir)


def _clear_engine(host: str, healing: Healing) -> None:
    """Remove the run's containers, volumes and networks from the engine that it used."""
    # Loaded here: it takes 0.3 s, and most runs have no containers.
    from harness.containers.engine import Engine  # noqa: PLC0415
    from harness.containers.leftovers import remove_run  # noqa: PLC0415

    try:
        with contextlib.closing(Engine.connect(host)) as engine:
            removal = remove_run(engine, healing.run_id)
    except Misconfigured as error:
        healing.problems.append(f"what run {healing.run_id} left in containers: {error.what}")
        return
    healing.removed += removal.removed
    healing.problems += removal.problems


def _end_marked(run_id: str, directories: list[Path], healing: Healing) -> None:
    found = processes.processes_of_run(run_id, *directories)
    if not found:
        return
    if left := processes.kill_all(lambda: processes.processes_of_run(run_id, *directories)):
        healing.problems.append(f"still ran after SIGKILL: {_pids(left)}")
    healing.ended += [f"a process that was left (pid {process.pid})" for process in found]


def _unmount(path: Path, healing: Healing) -> None:
    if not path.is_mount():
        return
    if problem := unmount(path):
        healing.problems.append(f"{path} could not be unmounted: {problem}")
    else:
        healing.removed.append(f"mount {path}")


def _remove(directory: Path, healing: Healing) -> None:
    if not directory.exists():
        return
    problem: OSError | None = None
    # A dying process may still have written something between our looking and removing.
    for _ in range(3):
        try:
            shutil.rmtree(directory)
            break
        except FileNotFoundError:
            break
        except OSError as error:
            problem = error
    if directory.exists():
        healing.problems.append(f"{directory} could not be removed: {problem}")
    else:
        healing.removed.append(directory)


def _pids(found: list[Process]) -> str:
    return ", ".join(f"pid {process.pid}" for process in found)
