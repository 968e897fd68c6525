"""What an instance wrote into its log while it answered a request."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.evidence import Evidence, log_evidence

MOST_BYTES = 8 * 1024
"""Of a log that are read for one request: the end of what was written meanwhile."""

AFTERWARDS_BYTES = 1024
"""Read beyond the moment of the answer: some write their line after it."""

MOST_LINES = 12
MOST_WORKER_LINES = 4
LONGEST_LINE = 300


@dataclass(frozen=True, kw_only=True)
class LogWindow:
    """A part of a log file, in bytes. Other requests of that moment may have written there, too."""

    path: Path
    begin: int
    end: int

    @classmethod
    def begun(cls, path: Path) -> "LogWindow":
        """The window that begins now."""
        size = _size(path)
        return cls(path=path, begin=size, end=size)

    def ended(self) -> "LogWindow":
        """The same window, which ends now."""
        return LogWindow(path=self.path, begin=self.begin, end=_size(self.path))

    def lines(self) -> list[str]:
        """The last lines that were written in it; none where the log is gone, or nothing was."""
        first = max(self.begin, self.end - MOST_BYTES)
        try:
            with self.path.open("rb") as log:
                log.seek(first)
                text = log.read(self.end + AFTERWARDS_BYTES - first)
        except OSError:
            return []
        lines = text.decode(errors="replace").splitlines()
        if first > self.begin:
            lines = lines[1:]  # the rest of one
        shown = [line.rstrip() for line in lines if line.strip()][-MOST_LINES:]
        return [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in shown]


def workers_evidence(begun: Iterable[LogWindow]) -> tuple[Evidence, ...]:
    """What each worker logged since then, as evidence; nothing of those that logged nothing."""
    windows = [window.ended() for window in begun]
    return tuple(
        log_evidence(f"log of {window.path.stem} during the wait", lines[-MOST_WORKER_LINES:])
        for window in windows
        if (lines := window.lines())
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
