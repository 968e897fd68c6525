"""Directories of a cache that several runs share: one that is in use is never removed."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def in_use(directory: Path) -> Iterator[bool]:
    """Keep a directory from `remove_unused` for the block, and note that it was used now.

    Gives False when there is no such directory: the block holds nothing then.
    """
    with contextlib.ExitStack() as stack:
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            yield False
            return
        stack.callback(os.close, descriptor)
        with contextlib.suppress(OSError):  # a file system without locks: its age protects it
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(OSError):
            os.utime(descriptor)
        # While we waited for the lock, it may have been removed.
        yield _is_at(descriptor, directory)


def remove_unused(directory: Path, unused_s: float) -> None:
    """Remove a directory that no run has used for that long and that none uses now."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - os.fstat(descriptor).st_mtime > unused_s:
            shutil.rmtree(directory, ignore_errors=True)
    except OSError:
        pass  # in use, or it cannot be known
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
