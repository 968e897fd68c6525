"""SQLite for several processes: who reads gets a snapshot, who writes gets the whole file."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
IN_SECONDS = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', :seconds)"  # with `seconds()` as its parameter
_BUSY_TIMEOUT_S = 15.0


def seconds(count: float) -> str:
    """So many seconds from now, as the modifier that `IN_SECONDS` takes."""
    return f"{count:+.3f} seconds"


class Store:
    """The database file. Every method raises `sqlite3.OperationalError` where it cannot be had.

    Writers of one process queue at a lock of ours, which is fair; those of different processes meet
    at SQLite's own, which is not, but there is never more than one of each there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

    def migrate(self) -> None:
        """Bring the file to the schema; a file that is there already stays as it is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # One process at a time: no busy timeout covers the change to write-ahead logging.
        with self._path.with_suffix(".migrating").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            finally:
                connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of everything."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The only writer there is: whatever is read here is still true at the commit."""
        with self._turn, self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        connection = self._idle.pop() if self._idle else self._open()
        try:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.close()  # which rolls back
            raise
        self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
