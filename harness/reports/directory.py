"""Where the reports of a run go: nothing of anybody else is removed there or written over."""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.room import refuse_too_little
from harness.verdict import ExitCode

DEFAULT = Path("shakedown-report")

CREATED = "created.jsonl"
"""What runs made on a system that others use too. Later runs add to it: it is the only list of what
may still be there."""

_REPORT_BYTES = 2 * 2**20
"""Room for the reports of a run with failures, not for a long history of load."""

INTERNAL_ERRORS = "internal-error.log"
INTERNAL_ERRORS_MARK = "An error in Shakedown itself:"
"""The first words of that file."""

_FILES = {
    "results.json": re.compile(rb'\s*\{\s*"schema"\s*:\s*\d'),
    "junit.xml": re.compile(rb'(<\?xml[^>]*>)?\s*<testsuites\s+name="shakedown"'),
    "history.jsonl": re.compile(rb'\{"kind":"\w+","i":\d+,|\{"i":\d+,"t_ns":|$'),
    "coverage.md": re.compile(rb"# Where the checks looked\n"),
    INTERNAL_ERRORS: re.compile(INTERNAL_ERRORS_MARK.encode()),
}
"""How each file begins that a run writes, and that the next one in the same folder replaces."""

_LONGEST_BEGINNING = 512
_FOLDERS = ("checks", "logs")
_OURS = ".shakedown"
"""An empty file in a folder that a run made, and that the next one may remove."""


@dataclass(frozen=True, kw_only=True)
class ReportDirectory:
    """The report directory of one run, which no other run writes to until it is concluded."""

    path: Path
    _lock: int | None
    _is_latest: bool

    def conclude(self, exit_code: int) -> None:
        """End the run's hold; `latest` points to it from now on, if it was one."""
        if self._is_latest and exit_code != ExitCode.MISCONFIGURED:
            # The run's exit code is in its report already; a disk that is full now changes nothing.
            with contextlib.suppress(OSError):
                _point_latest_to(self.path)
        if self._lock is not None:
            os.close(self._lock)


def open_report_directory(out: Path | None, *, seed: int, now: datetime) -> ReportDirectory:
    """Make the report directory of a run.

    With `out` the reports go right there, and those of an earlier run in it are removed. Without,
    each run gets a folder of its own under `shakedown-report/`, and `latest` points to the newest
    that was not misconfigured.

    Raises `Misconfigured` when the directory cannot be written, when another run writes to it,
    and when it has a file of a report's name that no run wrote: before the run instead of after it.
    """
    try:
        if out is None:
            path = _new_run_folder(DEFAULT, f"{now:%Y%m%d-%H%M%S}-{seed}")
            lock = _lock(path)
        else:
            path = out
            path.mkdir(parents=True, exist_ok=True)
            lock = _lock(path)
            _refuse_what_is_not_ours(path)
            _remove_earlier_run(path)
        _make_folders(path)
        with tempfile.TemporaryFile(dir=path):
            pass
        refuse_too_little(path, _REPORT_BYTES, "the report of a run", "name another one: --out DIR")
    except OSError as error:
        raise Misconfigured(
            f"the report directory {error.filename or out or DEFAULT} cannot be written "
            f"({error.strerror or error}); name another one with --out DIR"
        ) from error
    return ReportDirectory(path=path, _lock=lock, _is_latest=out is None)


def _new_run_folder(parent: Path, name: str) -> Path:
    for number in range(1, 1000):
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.is_dir():
                raise
            continue
        return path
    raise FileExistsError(17, "a thousand runs in one second", str(parent / name))


def _lock(path: Path) -> int | None:
    """Hold the folder until this process ends; None where its file system knows no locks."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(directory)
        raise Misconfigured(
            f"--out {path}: another run writes its report there now; wait for its end, or name "
            "another folder"
        ) from None
    except OSError:
        os.close(directory)
        return None
    return directory


def _point_latest_to(path: Path) -> None:
    # A link is made beside and moved over the old one, so that `latest` is never missing.
    link, fresh = path.parent / "latest", path.parent / f".latest-{path.name}"
    fresh.symlink_to(path.name, target_is_directory=True)
    fresh.replace(link)


def _refuse_what_is_not_ours(path: Path) -> None:
    foreign = [name for name, beginning in _FILES.items() if _is_foreign(path / name, beginning)]
    if foreign:
        raise Misconfigured(
            f"--out {path}: it has a file that no run wrote and that this one would replace: "
            f"{', '.join(foreign)}; name another folder"
        )


def _is_foreign(file: Path, beginning: re.Pattern[bytes]) -> bool:
    if not file.is_file():
        return file.exists() or file.is_symlink()
    with file.open("rb") as opened:
        return beginning.match(opened.read(_LONGEST_BEGINNING)) is None


def _remove_earlier_run(path: Path) -> None:
    """Remove what a run wrote here before: stale results must not pass for new ones."""
    for name in _FILES:
        (path / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        if (path / name / _OURS).is_file():
            shutil.rmtree(path / name)


def _make_folders(path: Path) -> None:
    """Make and mark our folders; a folder made by others is used, but never removed."""
    for name in _FOLDERS:
        if not (path / name).exists():
            (path / name).mkdir()
            (path / name / _OURS).touch()
