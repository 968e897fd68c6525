"""Log files of instances: their last lines, and how a process ended."""

import signal
from pathlib import Path

_TAIL_BYTES = 64 * 1024


def tail(path: Path, lines: int = 20, since: int = 0) -> str:
    """Give the last lines of a log, indented; says so when there is nothing in it.

    `since` is an offset in bytes: what is before it is from an earlier start.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(since, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        text = ""
    last = text.rstrip().splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in last) or "    (it printed nothing)"


def describe_end(returncode: int) -> str:
    """Say how a process ended: `exited with 3`, `was killed by SIGKILL`."""
    if returncode >= 0:
        return f"exited with {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"
