"""The file system of objects is full, nearly full, or read-only."""

import asyncio
import errno
import os
import sys
from pathlib import Path

from chaos.faults.fault import Fault
from chaos.faults.needs import MachineNeed
from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.errors import Misconfigured
from harness.machine.commands import run_command
from harness.machine.mounts import cannot_mount, cover_read_only, remount
from harness.system import System
from harness.target import Capability
from harness.waiting import becomes_true

MOUNT = MachineNeed(
    name="mounting a file system of a size",
    missing=cannot_mount,
    help="run as root, with CAP_SYS_ADMIN in a container",
)

VICTIM = "storage"
"""What histories call it."""
FILLER = ".shakedown-filler"
WITHIN_S = 10.0
_BUSY_S = 1.0
"""How long files may be open for writing before the storage is covered."""
_PROBE = ".shakedown-probe"
_BLOCK = 64 * 1024
_PAGE = 4096

_WRITE = """
import os, sys
path, count = sys.argv[1], int(sys.argv[2])
try:
    with open(path, "wb") as file:
        file.write(b"x" * count)
        file.flush()
        os.fsync(file.fileno())
except OSError as error:
    print(error.errno)
else:
    print(0)
finally:
    try:
        os.unlink(path)
    except OSError:
        pass
"""


def fill_storage(system: System, *, leave_bytes: int = 0) -> Fault:
    """Fill the storage of a drill's own system, but for so many bytes (whole pages of 4 KiB).

    With some left, a write that is larger fails in its middle.
    """
    place = _own_storage(system)
    filler = place / FILLER

    async def inject() -> None:
        await asyncio.to_thread(fill, filler, leave_bytes)

    async def victim_shows() -> str:
        left = room(place)
        if left > leave_bytes:
            raise FaultNotShown(f"{left} bytes are left in the storage, not {leave_bytes}")
        return f"{left} bytes are left"

    async def others_see() -> str:
        return await _expect(place, leave_bytes + _PAGE, errno.ENOSPC)

    async def heal() -> None:
        filler.unlink(missing_ok=True)

    return Fault(
        label="storage-full" if not leave_bytes else "storage-nearly-full",
        what=f"full storage of {system.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.SPAWN}),
        machine=(MOUNT,),
        undo=("rm", "-f", str(filler)),
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=lambda: _expect(place, leave_bytes + _PAGE, 0),
    )


def make_storage_read_only(system: System) -> Fault:
    """Let nothing be written to the storage of a drill's own system.

    Where files in it stay open for writing, as those of a database that lies there, it is covered:
    these can be written to, and what is opened from now on cannot.
    """
    place = _own_storage(system)
    covered = False

    async def inject() -> None:
        nonlocal covered
        try:
            # It is busy for as long as a file is being written.
            await _until_remounted(place, writable=False, within_s=_BUSY_S)
        except FaultNotShown:
            cover_read_only(place)
            covered = True

    async def victim_shows() -> str:
        if not os.statvfs(place).f_flag & os.ST_RDONLY:
            raise FaultNotShown(f"the storage of {system.name} can be written to")
        return "read-only for what is opened now" if covered else "mounted read-only"

    async def heal() -> None:
        await _until_remounted(place, writable=True)

    return Fault(
        label="storage-read-only",
        what=f"read-only storage of {system.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.SPAWN}),
        machine=(MOUNT,),
        # The mount itself ends with the run; one that is gone needs no healing.
        undo=("sh", "-c", 'mount -o remount,rw "$1" || ! mountpoint -q "$1"', "sh", str(place)),
        inject=inject,
        victim_shows=victim_shows,
        others_see=lambda: _expect(place, 1, errno.EROFS),
        heal=heal,
        healed=lambda: _expect(place, 1, 0),
    )


def _own_storage(system: System) -> Path:
    if system.storage_dir is None or not system.has_own_storage:
        raise TargetCannot(
            f"the objects of {system.name} are not on a file system of their own: only those of a "
            "system that was started with fresh_system(storage_bytes=…) are"
        )
    return system.storage_dir


def room(place: Path) -> int:
    """Give how many bytes are left for users."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def fill(filler: Path, leave_bytes: int) -> None:
    """Write until so many bytes are left."""
    with filler.open("ab", buffering=0) as file:
        while (left := room(filler.parent) - leave_bytes) > 0:
            try:
                file.write(bytes(min(left, _BLOCK)))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return


async def _expect(place: Path, count: int, wanted: int) -> str:
    """See how another process fares that writes so many bytes."""
    argv = [sys.executable, "-c", _WRITE, str(place / _PROBE), str(count)]
    ended = await run_command(argv, timeout_s=WITHIN_S)
    got = ended.output.strip()
    if not ended.is_ok or got != str(wanted):
        name = errno.errorcode.get(int(got), got) if got.isdigit() else ended.describe()
        raise FaultNotShown(f"another process that wrote {count} bytes got {name or 'no error'}")
    what = errno.errorcode.get(wanted, "no error")
    return f"another process that writes {count} bytes gets {what}"


async def _until_remounted(place: Path, *, writable: bool, within_s: float = WITHIN_S) -> None:
    problem = Misconfigured(f"{place} was not remounted")

    def is_done() -> bool:
        nonlocal problem
        try:
            remount(place, writable=writable)
        except Misconfigured as error:
            problem = error
            return False
        return True

    if not await becomes_true(is_done, within_s):
        raise FaultNotShown(problem.what)
