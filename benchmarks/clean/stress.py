"""Every core kept busy by others while something is measured: stress-ng where it is there, else processes of our own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_BUSY = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""
"""Ends when its standard input does: also when whoever started it was killed."""

_END_S = 10


def cores() -> int:
    """How many cores are there for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def busy_cores(at_most_s: float) -> Iterator[str]:
    """Keep every core busy for the block, and give by what; stress-ng ends by itself after `at_most_s`."""
    program = shutil.which("stress-ng")
    if program:
        commands = [[program, "--cpu", str(cores()), "--timeout", f"{at_most_s:.0f}s", "--quiet"]]
    else:
        commands = [[sys.executable, "-c", _BUSY] for _ in range(cores())]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        for command in commands
    ]
    try:
        yield f"stress-ng --cpu {cores()}" if program else f"{cores()} busy processes"
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            assert process.stdin is not None
            process.stdin.close()
