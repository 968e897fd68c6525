"""A small file system in memory, mounted for a system and gone with its run."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.journal import Journal

_SYS_ADMIN = 21
"""The number of the capability to mount."""
_WITHIN_S = 10.0


def cannot_mount() -> str:
    """Say why this process cannot mount a file system; empty where it can."""
    if shutil.which("mount") is None or shutil.which("umount") is None:
        return "there are no programs mount and umount"
    if os.geteuid() != 0:
        return "only root may mount"
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return "there is no /proc, as on Linux"
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    if not int(effective.split()[1], 16) >> _SYS_ADMIN & 1:
        return "this container has not the capability CAP_SYS_ADMIN"
    return ""


def mount_memory(journal: Journal, path: Path, size_bytes: int) -> str:
    """Mount a tmpfs of a size over a directory; give its entry in the journal.

    Raises `Misconfigured` where that fails.
    """
    entry = journal.note("mount", path=str(path))
    was = path.stat()
    access = f"mode={was.st_mode & 0o7777:o},uid={was.st_uid},gid={was.st_gid}"
    options = f"size={size_bytes},{access}"
    try:
        _run("mount", "-t", "tmpfs", "-o", options, "shakedown", str(path))
    except Misconfigured:
        journal.undone(entry)
        raise
    return entry


def remount(path: Path, *, writable: bool) -> None:
    """Make a mounted file system read-only, or writable again. Raises `Misconfigured`."""
    _run("mount", "-o", f"remount,{'rw' if writable else 'ro'}", str(path))


def cover_read_only(path: Path) -> None:
    """Mount a file system over itself, read-only: what is open for writing does not hinder it.

    Files that are open can still be written to; what is opened from now on cannot. `remount` makes
    it writable again. Raises `Misconfigured`.
    """
    _run("mount", "--bind", str(path), str(path))
    try:
        _run("mount", "-o", "remount,bind,ro", str(path))
    except Misconfigured:
        _run("umount", "--lazy", str(path))
        raise


def unmount(path: Path) -> str:
    """Take a mount away, even while it is in use; say what went wrong, or nothing."""
    while os.path.ismount(path):  # it may have been mounted twice
        try:
            _run("umount", "--lazy", str(path))
        except Misconfigured as error:
            return error.what
    return ""


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misconfigured(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise Misconfigured(f"{' '.join(command)}: {done.stderr.strip()}")
