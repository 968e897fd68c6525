"""The history of a run: each request, its outcome, and each fault, as JSON lines."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Self

import orjson

from harness.untrusted.spelling import usual_spelling

EntryType = Literal["invoke", "ok", "fail", "info"]
"""`invoke` begins an operation; `ok` happened, `fail` did not, `info` may or may not have."""

CRASH = "crash"
"""The `f` of an error in the code that writes the history: the history is not complete."""


# A tuple and not a dataclass: reading a million of them takes two thirds of the time.
class HistoryEntry(NamedTuple):
    """One line of a history: an operation begins or ends, or a fault happens."""

    i: int
    """Counts the lines of one writer from 0. Between writers, `t_ns` gives the order."""
    t_ns: int
    """The machine's monotonic clock: comparable between the processes of one machine."""
    process: str
    """Who did it: a user of a load test, a check, a fault. One does one thing at a time."""
    type: EntryType
    f: str
    """What: an operationId of the API, or the label of a fault."""
    job: str | None = None
    """The id of what it is done to: usually an export, the job of the queue."""
    org: str | None = None
    attempt: int | None = None
    token: str | None = None
    """A claim token, never a bearer token."""
    worker: str | None = None
    sha256: str | None = None
    """The digest of the bytes that were sent or received."""
    error: str | None = None


_OF_A_BACKEND = ("job", "org", "token", "worker", "sha256", "error")


class DamagedHistory(ValueError):
    """A line that is no entry, with file, line and reason."""


class HistoryWriter:
    """Appends to a history file. Each line is written before the next thing happens.

    Several processes may write to one file: a line is one write to a file opened for appending.
    """

    def __init__(self, path: Path, redact: Callable[[str], str] | None = None) -> None:
        """`redact` goes over every text that is a backend's."""
        self.path = path
        self._redact = redact
        self._written = 0
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(
        self,
        type: EntryType,  # noqa: A002 - the field's name
        f: str,
        *,
        process: str,
        job: str | None = None,
        org: str | None = None,
        attempt: int | None = None,
        token: str | None = None,
        worker: str | None = None,
        sha256: str | None = None,
        error: str | None = None,
    ) -> HistoryEntry:
        """Append one line, stamped with this moment, and give it. Raises `OSError`."""
        entry = HistoryEntry(
            self._written, time.monotonic_ns(), process, type, f,
            job, org, attempt, token, worker, sha256, error,
        )  # fmt: skip
        known = {name: value for name, value in entry._asdict().items() if value is not None}
        if self._redact is not None:
            texts = (name for name in _OF_A_BACKEND if name in known)
            known |= {name: self._redact(known[name]) for name in texts}
        os.write(self._file, orjson.dumps(known, option=orjson.OPT_APPEND_NEWLINE))
        self._written += 1
        return entry

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_history(path: Path) -> Iterator[HistoryEntry]:
    """Give the entries of a history one by one, without holding them all.

    A last line without its end is what a killed writer leaves behind, and is left out.
    Raises `DamagedHistory` for any other line that is no entry.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                entry = HistoryEntry(**orjson.loads(line))
            except (orjson.JSONDecodeError, TypeError) as error:
                raise DamagedHistory(
                    f"{path}:{number}: expected a history entry as a JSON object, "
                    f"got {line[:120]!r}: {error}"
                ) from error
            # An id is the same in capitals.
            job = usual_spelling(entry.job) if entry.job else entry.job
            yield entry if job == entry.job else entry._replace(job=job)
