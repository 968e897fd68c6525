"""The undo journal: what a run makes, on disk before it is made.

One JSON object a line. An entry begins with its kind and facts; later lines with the same `entry`
add what is known later (`pid`) or say that it is `undone`. Several processes of a run append to it.
"""

import itertools
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from harness.machine.directories import RUN_PREFIX, run_bases
from harness.machine.processes import Process

Kind = Literal["run", "attached", "process", "cluster", "engine", "directory", "mount", "fault"]

_JOURNAL = "journal.jsonl"


@dataclass(kw_only=True)
class Entry:
    """One thing that a run made and has not undone yet."""

    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def process(self) -> Process | None:
        """The process it is about, as far as it got a pid."""
        pid, started = self.facts.get("pid"), self.facts.get("started")
        return Process(pid, started) if isinstance(pid, int) and isinstance(started, str) else None


class Journal:
    """The journal of one run, in the run's own directory.

    Lines are appended with one `write` each and reach the kernel at once: they outlive
    any death of this process, though not a power cut, which ends the processes as well.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.run_id = run_dir.name.removeprefix(RUN_PREFIX)
        self._file = os.open(
            run_dir / _JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._numbers = itertools.count(1)
        self._begun_here = False
        self._closed = False

    @classmethod
    def begin(cls, base: Path | None = None) -> Self:
        """Make the directory of a new run, by default in the temp dir, and the journal within it.

        The directory can be passed through by others but not listed: PostgreSQL may run as
        another user. Raises `Misconfigured` when there is no place for it.
        """
        run_id = f"{os.getpid()}-{secrets.token_hex(4)}"
        home = base or run_bases()[0]
        # It appears under its name with the owner already in the journal: `recover` never sees
        # a run that it would have to guess about.
        making = home / f".{RUN_PREFIX}{run_id}"
        making.mkdir(mode=0o700)
        run_dir = home / f"{RUN_PREFIX}{run_id}"
        journal = cls(making)
        journal.note("run", **asdict(Owner.ours()))
        making.rename(run_dir)
        run_dir.chmod(0o711)
        journal.run_dir = run_dir
        journal.run_id = run_id
        journal._begun_here = True
        return journal

    @classmethod
    def attach(cls, run_dir: Path) -> Self:
        """Write to the journal of a run that another process has begun."""
        journal = cls(run_dir)
        own = Process.ours()
        journal.note("attached", pid=own.pid, started=own.started)
        return journal

    def note(self, kind: Kind, **facts: Any) -> str:  # noqa: ANN401 - JSON
        """Write down something that is about to be made; give the entry's id."""
        entry = f"{os.getpid()}-{next(self._numbers)}"
        self._write({"entry": entry, "kind": kind, **facts})
        return entry

    def amend(self, entry: str, **facts: Any) -> None:  # noqa: ANN401 - JSON
        """Add what was only known afterwards."""
        self._write({"entry": entry, **facts})

    def undone(self, entry: str) -> None:
        """Write down that it is gone again."""
        self._write({"entry": entry, "undone": True})

    def close(self) -> bool:
        """Close the file; safe to call twice. What the run made stays: see `recovery.end_run`.

        Returns whether the run is now this process's to end: it began it, and this is the
        first call.
        """
        if self._closed:
            return False
        self._closed = True
        os.close(self._file)
        return self._begun_here

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, default=str).encode() + b"\n"
        os.write(self._file, line)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who began a run, so that another process can see whether it still goes on."""

    pid: int
    started: str
    boot: str
    """Which boot of the machine; after another one every process of the run is gone."""
    namespace: str
    """Which numbering of processes; in another container a pid says nothing."""

    @classmethod
    def ours(cls) -> Self:
        """Describe the calling process."""
        own = Process.ours()
        return cls(pid=own.pid, started=own.started, boot=_boot(), namespace=_namespace())

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Self | None:
        """Read the fields from a journal or from labels; None if some are missing."""
        try:
            texts = {name: str(facts[name]) for name in ("started", "boot", "namespace")}
            return cls(pid=int(facts["pid"]), **texts)
        except (KeyError, ValueError):
            return None

    @property
    def process(self) -> Process:
        """The process that began the run."""
        return Process(self.pid, self.started)

    def is_alive(self) -> bool:
        """Say whether the run may still go on; in doubt it does."""
        if self.boot != _boot():
            return False
        return self.namespace != _namespace() or self.process.is_alive()


def read_entries(run_dir: Path) -> dict[str, Entry]:
    """Read what a run made and has not undone, oldest first.

    A line that was cut off by a crash is left out.
    """
    entries: dict[str, Entry] = {}
    for line in (run_dir / _JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            name = str(record.pop("entry"))
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if record.get("undone"):
            entries.pop(name, None)
        elif name in entries:
            entries[name].facts |= record
        elif "kind" in record:
            entries[name] = Entry(kind=record.pop("kind"), facts=record)
    return entries


def read_owner(run_dir: Path) -> Owner | None:
    """Say who began the run in a directory; None when its journal does not say."""
    try:
        entries = read_entries(run_dir)
    except OSError:
        return None
    first = next((entry for entry in entries.values() if entry.kind == "run"), None)
    return Owner.read(first.facts) if first else None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
