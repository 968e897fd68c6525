"""How much memory an API instance took at most while something went on, as the kernel tells it.

Linux keeps the peak of every process's resident memory (`VmHWM` in proc(5)) and lets it be reset.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.instances.description import Instance
from harness.machine import processes
from harness.machine.processes import Process


@dataclass(kw_only=True)
class Growth:
    """What a stretch of work cost; known once the block is left."""

    bytes: int | None = None
    """The largest growth of one process of the instance; None where nobody can tell."""


@dataclass(frozen=True, kw_only=True)
class _Before:
    process: Process
    resident: int


@contextmanager
def growth_of(instance: Instance) -> Iterator[Growth]:
    """Measure how far the instance's memory rises inside the block above what it was before."""
    growth, before = Growth(), []
    leader = Process(instance.pid, instance.started) if instance.pid is not None else None
    for process in processes.process_tree(leader) if leader is not None else ():
        start = _forget_peak(process)
        if start is not None:
            before.append(_Before(process=process, resident=start))
    yield growth
    after = [
        peak - each.resident
        for each in before
        if each.process.is_alive() and (peak := _read(each.process, "VmHWM")) is not None
    ]
    growth.bytes = max(after, default=None)


def _forget_peak(process: Process) -> int | None:
    """Begin a new peak; give what memory is to be compared with, None where it is not known."""
    try:
        # "5": reset the peak resident set size to the current one.
        Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _read(process, "VmHWM")
    return _read(process, "VmRSS")


def _read(process: Process, name: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
    return None
