"""Where the reports of a run go."""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.room import refuse_too_little

DEFAULT = Path("shakedown-report")

_FILES = ("results.json", "junit.xml", "history.jsonl", "coverage.md", "internal-error.log")
CREATED = "created.jsonl"
"""What runs made on a system that others use too. Later runs add to it: it is the only list of what
may still be there."""

_REPORT_BYTES = 2 * 2**20
"""Room for the reports of a run with failures, not for a long history of load."""

_FOLDERS = ("checks", "logs")
_OURS = ".shakedown"
"""An empty file in a folder that a run made, and that the next one may remove."""


def open_report_directory(out: Path | None, *, seed: int, now: datetime) -> Path:
    """Make the report directory of a run and give its path.

    With `out` the reports go right there, and those of an earlier run in it are removed. Without,
    each run gets a folder of its own under `shakedown-report/`, and `latest` points to the newest.

    Raises `Misconfigured` when the directory cannot be written, before the run instead of after
    it.
    """
    try:
        if out is None:
            path = _new_run_folder(DEFAULT, f"{now:%Y%m%d-%H%M%S}-{seed}")
            _point_latest_to(path)
        else:
            path = out
            path.mkdir(parents=True, exist_ok=True)
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
    return path


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


def _point_latest_to(path: Path) -> None:
    # A link is made beside and moved over the old one, so that `latest` is never missing.
    link, fresh = path.parent / "latest", path.parent / f".latest-{path.name}"
    fresh.symlink_to(path.name, target_is_directory=True)
    fresh.replace(link)


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
