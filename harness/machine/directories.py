"""Where the harness keeps things outside the report: runs in the temp dir, caches in the user's."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import psutil

from harness.errors import Misconfigured

RUN_PREFIX = "shakedown-"
"""Directories of runs are called `shakedown-<run id>`."""

_NOT_OURS_TO_READ = 0o022
"""Write permission of group and others: such users could put things there that we would trust."""

_ROOM_IN_MEMORY = 2**30


def run_bases() -> tuple[Path, ...]:
    """Give the directories in which runs may be, the one for new runs first.

    Raises `Misconfigured` when there is none. As root, other users must be able to pass through:
    PostgreSQL runs as one of them and has its files there.
    """
    candidates = dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"])  # noqa: S108 - fallbacks
    usable = tuple(
        path
        for path in map(Path, candidates)
        if path.is_dir() and os.access(path, os.W_OK) and (os.geteuid() or reachable(path))
    )
    if not usable:
        raise Misconfigured(
            f"no temporary directory that other users can reach: {', '.join(candidates)}. "
            "PostgreSQL does not run as root; set TMPDIR to a directory with mode 1777"
        )
    return usable


def memory_base() -> Path | None:
    """Give a directory that is in memory and has room for databases; None where there is none.

    A disk that others write to makes a copy of 30 MB take seconds. Containers often have
    64 MB there, which is not enough.
    """
    path = Path("/dev/shm")  # noqa: S108 - not a file of a known name in it
    try:
        room = os.statvfs(path)
        usable = os.access(path, os.W_OK) and reachable(path)
    except OSError:
        return None
    if not usable or room.f_bavail * room.f_frsize < _ROOM_IN_MEMORY:
        return None
    return path if psutil.virtual_memory().available >= 2 * _ROOM_IN_MEMORY else None


def reachable(path: Path) -> bool:
    """Say whether any user can pass through all directories down to this path and read it."""
    resolved = path.resolve()
    wanted = stat.S_IXOTH if resolved.is_dir() else stat.S_IXOTH | stat.S_IROTH
    if resolved.stat().st_mode & wanted != wanted:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in resolved.parents)


def cache_dir() -> Path:
    """Give a directory of our own that outlives runs; it exists and no other user can write to it.

    `SHAKEDOWN_CACHE_DIR` chooses another place than the user's cache directory. Where there is
    no home of our own to write to, it is in the temp dir. Raises `Misconfigured` without any.
    """
    if chosen := os.environ.get("SHAKEDOWN_CACHE_DIR"):
        return _own_directory(Path(chosen))
    if (home := _home_cache()) is not None:
        return _own_directory(home)
    return _own_directory(Path(tempfile.gettempdir()) / f"shakedown-cache-{os.geteuid()}")


def _home_cache() -> Path | None:
    """Give the place in the user's cache directory; None where that is not ours to write to."""
    try:
        home = platformdirs.user_cache_path("shakedown")
        # Root with another user's HOME (sudo) must not leave directories there that lock the user
        # out.
        existing = next(parent for parent in home.parents if parent.exists())
        ours = existing.stat().st_uid == os.geteuid() and os.access(existing, os.W_OK)
    except (RuntimeError, OSError):  # no HOME and no entry in passwd, or a HOME that is closed
        return None
    return home if ours else None


def shared_cache_dir() -> Path:
    """Give a directory of ours that other users can read, in the temp dir."""
    return _own_directory(run_bases()[0] / f"shakedown-shared-{os.geteuid()}", mode=0o755)


def _own_directory(path: Path, mode: int = 0o700) -> Path:
    """Make the directory, or make sure that the one that is there is really ours."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(mode)  # independent of our umask
        found = path.lstat()
    except OSError as error:
        raise Misconfigured(
            f"cannot make the cache directory {path}: {error.strerror}; "
            "set SHAKEDOWN_CACHE_DIR to a directory that you can write to"
        ) from error
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or found.st_mode & _NOT_OURS_TO_READ:
        raise Misconfigured(
            f"{path} is not a directory that only we can write to (owner {found.st_uid}, "
            f"mode {stat.filemode(found.st_mode)}); remove it or set SHAKEDOWN_CACHE_DIR"
        )
    return path


@contextmanager
def whole_or_not_at_all(home: Path, is_whole: Callable[[], bool]) -> Iterator[Path]:
    """Give a new directory to fill, which then appears as `home` by a rename.

    What is there already stays, unless a part of it was removed.
    """
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=home.parent))
    try:
        yield making
        try:
            making.rename(home)
        except OSError:  # another run was faster, or something has cleaned up here
            if not is_whole():
                shutil.rmtree(home, ignore_errors=True)
                making.rename(home)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def run_dirs(bases: Sequence[Path] | None = None) -> Iterator[Path]:
    """Find the directories of runs that belong to us, whether alive or left behind."""
    for base in run_bases() if bases is None else bases:
        # A dot in front: the harness was killed while it made the directory.
        for path in sorted([*base.glob(f"{RUN_PREFIX}*"), *base.glob(f".{RUN_PREFIX}*")]):
            try:
                found = path.lstat()
                # Another user's journal would have us kill and remove what they please.
                ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
                if ours and (path / "journal.jsonl").exists():
                    yield path
            except OSError:
                continue  # gone meanwhile, or closed to us
