"""Asks the server of this test session to run the command, and waits for its end."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ONE_AT_A_TIME = threading.Lock()
_SERVERS: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A run that has ended."""

    pid: int
    code: int
    """Negative for a signal."""
    peak_kib: int
    """The largest resident set of the process, or of a process that it waited for."""
    stdout: str
    stderr: str


def run_shakedown(
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    typed: str = "",
    deadline_s: float,
    begun: Callable[[int], None] = lambda pid: None,
) -> Completed:
    """Run `shakedown WORDS` to its end, in a session of its own.

    `begun` is called with its process id. Blocks. Raises `TimeoutError` with what it has printed
    when it is not done in time; it was asked to end then, and killed if it did not.
    """
    with contextlib.ExitStack() as stack:
        stdout, stderr = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        stdin = stack.enter_context(tempfile.TemporaryFile())
        stdin.write(typed.encode())
        stdin.seek(0)
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        request = {"words": [*map(str, words)], "cwd": str(cwd), "env": dict(env)}
        streams = [stdin.fileno(), stdout.fileno(), stderr.fileno(), theirs.fileno()]
        with theirs, _ONE_AT_A_TIME:
            socket.send_fds(_server(os.getpid()), [json.dumps(request).encode()], streams)
        ours.settimeout(deadline_s)
        answers = stack.enter_context(ours.makefile("r"))
        first = answers.readline()
        assert first, "tests.warm.server has ended: does all that it imports beforehand exist?"
        pid = int(first)
        begun(pid)
        late = False
        try:
            ended = answers.readline()
        except TimeoutError:
            late, ended = True, _end(pid, ours)
        code, peak_kib = map(int, ended.split())
        for stream in (stdout, stderr):
            stream.seek(0)
        completed = Completed(
            pid=pid,
            code=code,
            peak_kib=peak_kib,
            stdout=stdout.read().decode(),
            stderr=stderr.read().decode(),
        )
    if late:
        raise TimeoutError(f"{words}: not done after {deadline_s} s: {completed}")
    return completed


def _inherited() -> dict[str, str]:
    """Give what a run gets at the least, and what Python has read at its start.

    With the latter a run of a test that passes on the whole environment needs no Python of its own,
    where PYTHONUNBUFFERED is set, as in most images of containers.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME") or name.startswith("PYTHON")
    }


def _end(pid: int, ours: socket.socket) -> str:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        ours.settimeout(60)
        with contextlib.suppress(TimeoutError):
            return ours.recv(100).decode()
    return "-9 0"


@functools.cache
def _server(pid: int) -> socket.socket:
    """Start the server; it ends when this process does, as its socket is closed then."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        _SERVERS[pid] = subprocess.Popen(
            [sys.executable, "-m", "tests.warm.server", str(theirs.fileno())],
            cwd=_ROOT,
            env=_inherited(),
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours
