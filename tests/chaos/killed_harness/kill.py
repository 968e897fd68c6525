"""Kills a harness at a random moment of its faults, recovers, and looks what is left."""

import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.machine.directories import RUN_PREFIX
from harness.machine.processes import processes_of_run
from harness.recovery.recover import recover

READY_WITHIN_S = 90.0
LONGEST_S = 3.0
"""The latest moment after it was ready at which a harness is killed."""
_MODULE = "tests.chaos.killed_harness.harness_process"


@dataclass(frozen=True, kw_only=True)
class Killed:
    """What happened to one harness."""

    moment: str
    """What it had said last: `holds pause-worker`."""
    left: frozenset[str]
    """What was there of its run when it was dead, before it was recovered."""
    still_there: frozenset[str]
    """What is there afterwards."""
    problems: tuple[str, ...] = field(default=())
    """What `recover` could not do."""


def kill_at_a_random_moment(seed: str) -> Killed:
    """Start a harness, kill it, recover; the moments are the seed's."""
    base = Path(tempfile.mkdtemp(prefix="shakedown-killed-"))
    base.chmod(0o711)
    try:
        return _kill(base, seed)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _kill(base: Path, seed: str) -> Killed:
    after_s = random.Random(seed).uniform(0, LONGEST_S)
    with (base / "errors").open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(base), seed],
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        run_id = _wait_until_ready(child, base)
        moment = _last_said(child, after_s)
        ended = child.poll()
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert child.stdout is not None
        child.stdout.close()
    assert ended is None, f"it ended by itself: {(base / 'errors').read_text()[-2000:]}"
    had = _Had(ports=_ports_of(base, run_id), segments=_segments_of(base, run_id))
    left = _inventory(base, run_id, had)
    recovered = recover([base])
    return Killed(
        moment=moment,
        left=left,
        still_there=_inventory(base, run_id, had),
        problems=recovered.problems,
    )


@dataclass(frozen=True, kw_only=True)
class _Had:
    """What is known of a run only before it is recovered."""

    ports: frozenset[int]
    segments: frozenset[str]
    """The ids of its System V shared memory."""


def _wait_until_ready(child: subprocess.Popen[bytes], base: Path) -> str:
    for line in _lines(child, READY_WITHIN_S):
        if line.startswith("ready "):
            return line.split()[1]
    raise AssertionError(f"it was not ready: {(base / 'errors').read_text()[-2000:]}")


def _last_said(child: subprocess.Popen[bytes], within_s: float) -> str:
    said = "ready"
    for line in _lines(child, within_s):
        said = line
    return said


def _lines(child: subprocess.Popen[bytes], within_s: float) -> "_Lines":
    return _Lines(child, time.monotonic() + within_s)


class _Lines:
    """What a child prints until a moment."""

    def __init__(self, child: subprocess.Popen[bytes], until: float) -> None:
        assert child.stdout is not None
        self._descriptor = child.stdout.fileno()
        self._until = until
        self._rest = b""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        while b"\n" not in self._rest:
            left_s = self._until - time.monotonic()
            if left_s <= 0 or not select.select([self._descriptor], [], [], left_s)[0]:
                raise StopIteration
            data = os.read(self._descriptor, 4096)
            if not data:
                raise StopIteration
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


def _ports_of(base: Path, run_id: str) -> frozenset[int]:
    """Give the ports on which the processes of a run listen, by the kernel's word."""
    ports = set()
    for process in processes_of_run(run_id, *_places(base, run_id)):
        try:
            found = psutil.Process(process.pid).net_connections("tcp")
        except psutil.Error:
            continue
        ports |= {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}
    return frozenset(ports)


def _places(base: Path, run_id: str) -> list[Path]:
    memory = Path("/dev/shm")
    return [*base.glob(f"*{run_id}*"), *memory.glob(f"{RUN_PREFIX}{run_id}*")]


def _inventory(base: Path, run_id: str, had: _Had) -> frozenset[str]:
    """Give everything of a run that is on this machine."""
    found = {
        f"process {' '.join(_command(each.pid))[:80]}"
        for each in processes_of_run(run_id, *_places(base, run_id))
    }
    mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    found |= {f"mount {line.split()[1]}" for line in mounts if run_id in line}
    found |= {f"port {port}" for port in had.ports if _is_taken(port)}
    found |= {f"directory {path}" for path in _places(base, run_id)}
    namespaces = Path("/run/netns")
    if namespaces.is_dir():
        found |= {f"namespace {path}" for path in namespaces.iterdir() if run_id in path.name}
    found |= {f"shared memory {each}" for each in had.segments & _shared_memory()}
    return frozenset(found)


def _command(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _shared_memory() -> frozenset[str]:
    """Give the ids of the System V segments of this machine."""
    try:
        lines = Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return frozenset()
    return frozenset(line.split()[1] for line in lines)


def _segments_of(base: Path, run_id: str) -> frozenset[str]:
    """Give the segments that the pid files of a run's servers name: the key and the id."""
    found = set()
    for place in _places(base, run_id):
        for pid_file in place.rglob("postmaster.pid"):
            text = pid_file.read_text(encoding="utf-8", errors="replace")
            found |= set(re.findall(r"^\s*\d+\s+(\d+)\s*$", text, re.MULTILINE))
    return frozenset(found)
