"""Room on disks: what a run needs, and errors that mean that there is none."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import Misconfigured

DATABASE_BYTES = 200 * 2**20
"""What a database server with the systems of a run takes at least."""

LITTLE_BYTES = 100 * 2**20
"""With less than this an upload of 50 MiB may fail, which is gone when one looks."""

FEW_FILES = 100

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DISK_FULL = "53100"
"""PostgreSQL's SQLSTATE for it."""


def refuse_too_little(directory: Path, needed: int, what_for: str, instead: str) -> None:
    """Refuse a directory on a disk with less room than `needed` bytes, before it is used.

    Raises `Misconfigured`; `instead` says how to choose another one.
    """
    room = os.statvfs(directory)
    free = room.f_bavail * room.f_frsize
    if free < needed:
        raise Misconfigured(
            f"{directory} has {free / 2**20:.1f} MB of room, and {what_for} needs "
            f"{needed / 2**20:g} MB: free some, or {instead}"
        )


def full_disks(places: Iterable[Path]) -> str:
    """Say which of these directories are on a disk with little room; empty for none.

    One that is not there, or cannot be asked, is left out.
    """
    found: dict[int, str] = {}
    for place in places:
        try:
            disk, room = place.stat().st_dev, os.statvfs(place)
        except OSError:
            continue
        free = room.f_bavail * room.f_frsize
        if free < LITTLE_BYTES:
            found.setdefault(disk, f"the disk of {place} is full ({free / 2**20:.1f} MB are left)")
        elif room.f_files and room.f_favail < FEW_FILES:
            found.setdefault(disk, f"the disk of {place} is full ({room.f_favail} files are left)")
    return "; ".join([*found.values(), _ADVICE]) if found else ""


def full_disk(error: BaseException | None) -> str:
    """Say what to do if an error comes from a disk that is full; empty if it does not."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        if isinstance(error, OSError) and error.errno in _FULL:
            return f"{error.filename or 'a file'} cannot be written: {error.strerror}; {_ADVICE}"
        if getattr(error, "sqlstate", None) == _DISK_FULL:
            first_line = str(error).partition("\n")[0]
            return f"the database has no room: {first_line}; {_ADVICE}"
        error = error.__cause__ or error.__context__
    return ""


_ADVICE = (
    "free some room, or choose a directory with more: TMPDIR for the run and its database, "
    "--out for its report"
)
