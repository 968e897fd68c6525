"""How much the memory of an API instance grows, as the kernel reports it.

Linux keeps the peak of every process's resident memory (`VmHWM` in proc(5)), which can be reset.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.instances.description import Instance
from harness.machine import processes
from harness.machine.processes import Process


@dataclass(kw_only=True)
class Growth:
    """The growth during a block; known after the block."""

    bytes: int | None = None
    """The largest growth of one process of the instance; None where it is unknown."""


@contextmanager
def growth_of(instance: Instance) -> Iterator[Growth]:
    """Measure how much the instance's memory grows inside the block."""
    growth = Growth()
    leader = Process(instance.pid, instance.started) if instance.pid is not None else None
    tree = processes.process_tree(leader) if leader is not None else ()
    before = [(process, _reset_peak(process)) for process in tree]
    yield growth
    grown = [
        peak - resident
        for process, resident in before
        if resident is not None
        and process.is_alive()
        and (peak := _read(process, "VmHWM")) is not None
    ]
    growth.bytes = max(grown, default=None)


def _reset_peak(process: Process) -> int | None:
    """Reset the peak; give the memory to compare with, None where it is unknown."""
    try:
        # "5": reset the peak resident set size to the current one.
        Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _read(process, "VmHWM")
    return _read(process, "VmRSS")


def _read(process: Process, name: str) -> int | None:
    with suppress(OSError, ValueError):
        text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
    return None
