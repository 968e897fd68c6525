"""A disk that is full is told as such, before a run or when it happens."""

import errno
import os
import re
from pathlib import Path

import psycopg
import pytest

from harness.errors import Misconfigured
from harness.machine.room import LITTLE_BYTES, full_disk, full_disks, refuse_too_little
from harness.plugin.session.run_errors import RunErrors
from harness.redaction.redactor import Redactor
from harness.verdict import ExitCode

FULL = OSError(errno.ENOSPC, "No space left on device", "/run/of/ours")


def test_a_disk_with_too_little_room_is_refused(tmp_path: Path) -> None:
    refuse_too_little(tmp_path, 1, "a run", "set TMPDIR")
    with pytest.raises(
        Misconfigured, match=r"MB of room, and a run needs .* MB: free some, or set"
    ):
        refuse_too_little(tmp_path, 2**62, "a run", "set TMPDIR")


def test_what_a_full_disk_looks_like() -> None:
    assert full_disk(FULL).startswith("/run/of/ours cannot be written: No space left on device;")
    assert "TMPDIR" in full_disk(psycopg.errors.DiskFull("could not extend file"))
    caused = RuntimeError("it did not work")
    caused.__cause__ = FULL
    assert full_disk(caused)
    assert full_disk(RuntimeError("it did not work")) == ""
    assert full_disk(OSError(errno.EACCES, "Permission denied")) == ""


def room(*, free: int, files: int = 1000) -> os.statvfs_result:
    """What `statvfs` gives, of a disk with so many bytes and files left."""
    return os.statvfs_result((4096, 1, 10**9, free, free, 10**6, files, files, 0, 255))


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (room(free=LITTLE_BYTES), ""),
        (room(free=0), r"the disk of .*tmp.* is full \(0\.0 MB are left\); free some room, or"),
        (room(free=LITTLE_BYTES - 1), r"is full \(100\.0 MB are left\)"),
        (room(free=2**40, files=3), r"is full \(3 files are left\)"),
    ],
)
def test_a_disk_without_room_is_told_once(
    left: os.statvfs_result, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: left)
    places = [tmp_path / "gone", tmp_path, tmp_path.parent]
    found = full_disks(places)
    assert re.search(told, found) if told else found == ""
    assert found.count("is full") == bool(told)


def test_an_error_that_goes_round_in_circles_ends() -> None:
    one, other = RuntimeError("1"), RuntimeError("2")
    one.__context__, other.__context__ = other, one
    assert full_disk(one) == ""


def test_a_full_disk_is_no_error_of_ours(tmp_path: Path) -> None:
    errors = RunErrors(tmp_path, Redactor())
    errors.note_crash(FULL)
    assert errors.first is not None
    assert errors.first.exit_code == ExitCode.MISCONFIGURED


def test_an_error_is_kept_where_even_its_log_cannot_be_written(tmp_path: Path) -> None:
    errors = RunErrors(tmp_path / "gone", Redactor())
    errors.note_crash(RuntimeError("it did not work"))
    assert errors.first is not None
    assert errors.first.exit_code == ExitCode.INTERNAL_ERROR
