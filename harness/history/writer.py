"""Writes a history: each line is in the file before the next thing happens."""

import hashlib
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import getnode

import msgspec

from harness.history.entries import SCHEMA, Clock, End, Entry, EntryType, Operation, Writer
from harness.history.forms import cleaned
from harness.redaction.redactor import Redactor

Kind = TypeVar("Kind", bound=Entry)

PART = ":"
"""Between the id of a check and the name of a part of it."""

_encode = msgspec.json.Encoder().encode


class _File:
    """What all views of one writer share: the file, its label, and how many lines it wrote."""

    def __init__(self, path: Path, redact: Callable[[str], str] | None, run: str) -> None:
        self.label = os.urandom(4).hex()
        self.run = run or self.label
        self.redact = redact
        self.is_secret = redact.is_secret if isinstance(redact, Redactor) else _none_is_secret
        self.written = 0
        self.opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def append(self, kind: type[Kind], drill: str, system: str, fields: dict[str, Any]) -> Kind:
        entry = kind(
            i=self.written,
            t_ns=time.monotonic_ns(),
            writer=self.label,
            drill=drill,
            system=system,
            **fields,
        )
        if self.redact is not None and (changed := cleaned(entry, self.redact, self.is_secret)):
            entry = msgspec.structs.replace(entry, **changed)
        os.write(self.opened, _encode(entry) + b"\n")
        self.written += 1
        return entry


class HistoryWriter:
    """Appends to a history file.

    Several processes may write to one file: a line is one write to a file opened for appending.
    What one process writes begins with who it is, and ends with an `end` unless it is killed.
    """

    def __init__(
        self,
        path: Path,
        redact: Callable[[str], str] | None = None,
        *,
        run: str = "",
        drill: str = "",
    ) -> None:
        """`redact` goes over every text of a backend's that has not the form of its field.

        `run` is the label that the processes of one run share; empty: one of its own.
        """
        self.path = path
        self.drill = redact(drill) if redact and drill else drill
        self.system = ""
        self.judged: set[str] = set()
        """The cells whose findings are made from this history."""
        self._file = _File(path, redact, run)

    def of(self, drill: str, *, system: str = "") -> "HistoryWriter":
        """Give a view of this writer whose entries belong to a drill, and to a system."""
        view = object.__new__(type(self))
        redact = self._file.redact
        view.path, view._file, view.judged = self.path, self._file, set()
        view.drill = redact(drill) if redact and drill else drill
        view.system = redact(system) if redact and system else system
        return view

    def part(self, name: str) -> "HistoryWriter":
        """Give a view for one part of a check that is judged by itself, such as one fault."""
        view = self.of(f"{self.drill}{PART}{name}", system=self.system)
        view.judged = self.judged
        return view

    @property
    def run(self) -> str:
        """The label that this process shares with others of its run."""
        return self._file.run

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
        instance: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        intended_ns: int | None = None,
        key: str | None = None,
        sha256: str | None = None,
        step: str | None = None,
        seen: str | None = None,
        error: str | None = None,
    ) -> Operation:
        """Append an operation, stamped with this moment, and give what was written.

        Of a claim `token` the digest is written. Raises `OSError`.
        """
        token = token and token_digest(token)
        return self.append(
            Operation, type=type, f=f, process=process, job=job, org=org, attempt=attempt,
            token=token, worker=worker, instance=instance, status=status, request_id=request_id,
            intended_ns=intended_ns, key=key, sha256=sha256, step=step, seen=seen, error=error,
        )  # fmt: skip

    def append(self, kind: type[Kind], **fields: Any) -> Kind:  # noqa: ANN401 - of that kind
        """Append an entry of any kind, stamped with this moment, and give what was written.

        Raises `OSError`, and `TypeError` for a field that the kind does not have.
        """
        file = self._file
        if not file.written:
            own = {
                "schema": SCHEMA,
                "run": file.run,
                "machine": _machine(),
                "wall_us": time.time_ns() // 1000,
            }
            file.append(Writer, "", "", own)
        return file.append(kind, self.drill, self.system, fields)

    def clock(self, database_us: int, *, asked_ns: int) -> Clock:
        """Append what a database's clock said, beside our own two."""
        return self.append(
            Clock, wall_us=time.time_ns() // 1000, database_us=database_us, asked_ns=asked_ns
        )

    def close(self) -> None:
        """Say that nothing follows, and close the file; safe to call twice."""
        file = self._file
        if file.opened >= 0:
            try:
                if file.written:
                    file.append(End, "", "", {})
            finally:
                os.close(file.opened)
                file.opened = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def token_digest(token: str) -> str:
    """Give what stands for a claim token: the same as the trigger writes (`observe_export.sql`)."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


@cache
def _machine() -> str:
    """Tell this machine, since it was started, from all others."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        return boot.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return f"{getnode():012x}"


def _none_is_secret(_: str) -> bool:
    return False
