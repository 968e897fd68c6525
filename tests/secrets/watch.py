"""Watching a command while it runs: what all users can see of it, and what it writes down."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from .search import Find, Search

_EVERY_S = 0.03
_MOST_BYTES = 4_000_000


class Watch:
    """Looks at process arguments and at the directories of runs, over and over, in a thread."""

    def __init__(self, bases: tuple[Path, ...], pid: int) -> None:
        self.arguments: set[bytes] = set()
        """The arguments of every process that the command started, and its own."""
        self.written: dict[Path, bytes] = {}
        """The journal, and each file that somebody else could read, as it was seen last."""
        self._bases = bases
        self._pid = pid
        self._tree = {pid}
        """Every process that was seen below it, also when its parent is gone by now."""
        self._strangers: set[int] = set()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(timeout=30)

    def finds(self, search: Search) -> Iterator[Find]:
        for number, words in enumerate(sorted(self.arguments)):
            yield from search.finds(f"the arguments of process {number}", words)
        for path, content in self.written.items():
            yield from search.finds(str(path), content)

    def _look_on(self) -> None:
        while not self._is_over.wait(_EVERY_S):
            self._adopt()
            self.arguments |= set(_arguments(self._tree))
            for base in self._bases:
                for run_dir in base.glob(f"*shakedown-{self._pid}-*"):
                    for path in _open_to_others(run_dir):
                        self._read(path)
                    self._read(run_dir / "journal.jsonl")

    def _adopt(self) -> None:
        """Take in the processes that are new, and whose parent is in the tree.

        Each is asked once for its parent: what others of the machine do is not the command's doing.
        """
        alive = {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208
        self._strangers &= alive
        new = alive - self._tree - self._strangers
        parents = {pid: _parent(pid) for pid in new}
        while ours := {pid for pid in new if parents[pid] in self._tree}:
            self._tree |= ours
            new -= ours
        self._strangers |= new

    def _read(self, path: Path) -> None:
        try:
            if path.stat().st_size <= _MOST_BYTES:
                self.written[path] = path.read_bytes()
        except OSError:
            pass  # gone again


def _parent(pid: int) -> int:
    try:
        stat_line = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0  # ended meanwhile
    return int(stat_line.rpartition(b")")[2].split()[1])


def _arguments(pids: set[int]) -> Iterator[bytes]:
    for pid in pids:
        try:
            yield Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue  # ended meanwhile


def _open_to_others(folder: Path) -> Iterator[Path]:
    """The files that a user who knows their path can read."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode) and mode & stat.S_IXOTH:
                    yield from _open_to_others(Path(entry.path))
                elif stat.S_ISREG(mode) and mode & stat.S_IROTH:
                    yield Path(entry.path)
    except OSError:
        return
