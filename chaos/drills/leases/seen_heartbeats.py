"""Heartbeats of exports as any other client sees them: what is not committed is no sign of life."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chaos.exports.view import InProgress


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A time in which nobody saw a new heartbeat of an export."""

    export_id: str
    since: datetime
    """The heartbeat before it, or the moment at which that was first seen if it is earlier."""
    until: datetime
    unwatched: timedelta
    """The longest time in it between two looks: we were kept waiting as well."""

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.until - self.since

    def describe(self) -> str:
        """Say of which export, and how long."""
        return (
            f"none of export {self.export_id} from {self.since:%H:%M:%S.%f} to "
            f"{self.until:%H:%M:%S.%f}, for {self.length.total_seconds():.2f} s"
        )


@dataclass(kw_only=True)
class SeenHeartbeats:
    """Takes one look after the other at exports in progress, by the database's clock."""

    watched: Mapping[str, InProgress]
    """The claims that are watched, by the export's id."""
    seen: int = 0
    """Heartbeats that were new when they were seen, of all of them."""
    left: set[str] = field(default_factory=set)
    """Exports that were no longer in progress at that attempt."""
    _looked_at: datetime | None = None
    _last: dict[str, tuple[datetime | None, datetime]] = field(default_factory=dict)
    """The last heartbeat of each, and when its silence began."""
    _gap: dict[str, timedelta] = field(default_factory=dict)
    _longest: dict[str, Silence] = field(default_factory=dict)

    def look(self, in_progress: Iterable[InProgress], now: datetime) -> None:
        """Take what was in progress at this moment."""
        found = {each.export_id: each for each in in_progress}
        passed = now - self._looked_at if self._looked_at else timedelta(0)
        self._looked_at = now
        for name in self.watched.keys() - self.left:
            each = found.get(name)
            if each is None or each.attempt != self.watched[name].attempt:
                self.left.add(name)
            self._gap[name] = max(self._gap.get(name, timedelta(0)), passed)
            self._take(name, each.heartbeat_at if each else None, now)

    def _take(self, name: str, heartbeat_at: datetime | None, now: datetime) -> None:
        before, since = self._last.get(name, (None, now))
        # A worker whose clock is ahead is as silent as any other when it sends nothing more.
        begins = min(heartbeat_at, now) if heartbeat_at else now
        is_new = name not in self._last or (heartbeat_at is not None and heartbeat_at != before)
        until = begins if is_new else now
        silence = Silence(export_id=name, since=since, until=until, unwatched=self._gap[name])
        longest = self._longest.get(name)
        if longest is None or silence.length > longest.length:
            self._longest[name] = silence
        if is_new:
            self.seen += name in self._last
            self._last[name] = (heartbeat_at, begins)
            self._gap[name] = timedelta(0)

    def silences(self, longer_than_s: float) -> list[Silence]:
        """Give the longest silence of each export that was longer than this."""
        least = timedelta(seconds=longer_than_s)
        return [each for each in self._longest.values() if each.length > least]
