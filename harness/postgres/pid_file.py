"""A PostgreSQL server's pid file, and the shared memory that is named there."""

import ctypes
from pathlib import Path

from harness.machine.processes import Process

_IPC_RMID = 0
_SMALL = 4096


def running_server(data_dir: Path) -> Process | None:
    """Find the server that runs on a data directory, by the pid file it keeps there."""
    lines = pid_file(data_dir)
    if not lines or not lines[0].strip().isdigit():
        return None
    server = Process.of(int(lines[0]))
    if server is None or not _works_in(server, data_dir):
        return None
    return server


def pid_file(data_dir: Path) -> list[str]:
    """Give the lines of `postmaster.pid`; none when no server runs, or crashed long ago."""
    try:
        return (data_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []


def is_ready(data_dir: Path, pid: int) -> bool:
    """Say whether the pid file says that the server with this pid takes connections."""
    lines = pid_file(data_dir)
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def remove_shared_memory(data_dir: Path) -> None:
    """Remove the System V segment of a server that was killed; one that stops does so itself.

    It is 56 bytes, but there is a limit on how many a machine has.
    """
    lines = pid_file(data_dir)
    words = lines[6].split() if len(lines) > 6 else []
    if len(words) == 2 and words[1].isdigit() and _is_abandoned(int(words[1]), data_dir):
        ctypes.CDLL(None).shmctl(int(words[1]), _IPC_RMID, None)


def _is_abandoned(segment: int, data_dir: Path) -> bool:
    """Say whether a segment is a server's, of the owner of this directory, and no process uses it.

    The number comes from a file that the server's account can write; we may be root.
    """
    try:
        rows = Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()
        owner = data_dir.stat().st_uid
    except OSError:
        return False
    if not rows:
        return False
    names = rows[0].split()
    for row in rows[1:]:
        found = dict(zip(names, map(int, row.split()), strict=False))
        if found["shmid"] == segment:
            return found["uid"] == owner and found["nattch"] == 0 and found["size"] < _SMALL
    return False


def _works_in(server: Process, data_dir: Path) -> bool:
    try:
        return Path(f"/proc/{server.pid}/cwd").readlink() == data_dir.resolve()
    except OSError:
        # Not Linux, or a process of another user: only the pid file is left to go by.
        return not Path("/proc/self").exists()
