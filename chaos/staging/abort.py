"""When to abort a drill: counts which requests failed, and since when nothing became ready."""

from collections import deque

from harness.target.tables.chaos import Abort

WINDOW = 20
"""The number of last requests of which `error_share` is a share."""


class AbortWatch:
    """Notes what happens, and decides whether to abort. Times are seconds of one clock."""

    def __init__(self, limits: Abort, *, now: float) -> None:
        self._limits = limits
        self._failing = 0
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._progress = now
        self.reason = ""
        """Why to abort; empty: go on. Once it is set it stays."""

    def probed(self, *, is_ok: bool) -> None:
        """Note whether a probe succeeded."""
        self._failing = 0 if is_ok else self._failing + 1
        if self._failing >= self._limits.failing_probes:
            self._decide(f"{self._failing} probes in a row failed")
        self.requested(is_ok=is_ok)

    def requested(self, *, is_ok: bool) -> None:
        """Note whether any other request succeeded."""
        self._recent.append(is_ok)
        failed = self._recent.count(False)
        if len(self._recent) == WINDOW and failed > self._limits.error_share * WINDOW:
            self._decide(f"{failed} of the last {WINDOW} requests failed")

    def looked(self, *, waiting: int, completed: int, now: float) -> None:
        """Note how many exports are waited for, and how many became ready since the last look."""
        if completed or not waiting:
            self._progress = now
        elif now - self._progress > self._limits.no_completion_s:
            self._decide(
                f"no export became ready for {now - self._progress:.1f} s, with {waiting} waiting"
            )

    def _decide(self, reason: str) -> None:
        self.reason = self.reason or reason
