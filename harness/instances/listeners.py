"""Which process listens on a port: another run's instance could answer in place of ours."""

import os
from pathlib import Path

from harness.machine.processes import Process, process_tree

_LISTENING = "0A"


def listens(leader: Process, port: int) -> bool:
    """Say whether this process, or one it started, listens on the port.

    Where this cannot be seen (no /proc, a process of another user) the answer is yes.
    """
    inodes = _listening_inodes(port)
    if not inodes:
        return True
    # Most instances listen themselves; looking for their children takes 5 ms.
    return _holds(leader, inodes) or any(_holds(each, inodes) for each in process_tree(leader))


def _holds(process: Process, inodes: set[str]) -> bool:
    try:
        descriptors = list(os.scandir(f"/proc/{process.pid}/fd"))
    except PermissionError:
        # Of another user; or ours, which is closed to us only when it is dead.
        return process.is_alive()
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if Path(descriptor.path).readlink().name in inodes:
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def _listening_inodes(port: int) -> set[str]:
    """Give the sockets that listen on a port, as `/proc/<pid>/fd` spells them."""
    wanted = f":{port:04X}"
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[1].endswith(wanted) and fields[3] == _LISTENING:
                found.add(f"socket:[{fields[9]}]")
    return found
