"""A disk that is full is told as such, before a run or when it happens."""

import errno
from pathlib import Path

import psycopg
import pytest

from harness.errors import Misconfigured
from harness.machine.room import full_disk, refuse_too_little
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
