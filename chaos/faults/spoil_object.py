"""One stored object cannot be read: a directory is in its place, as after a restore gone wrong."""

import asyncio
from pathlib import Path

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harm_storage import VICTIM
from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.system import System


def spoil_object(system: System, storage_path: object) -> Fault:
    """Make the object at this path, below the storage directory, unreadable.

    It is there, and opening it is an error of another kind than a missing file: a backend cannot
    know that it will never be read again.
    """
    if system.storage_dir is None or system.target.storage is None:
        raise TargetCannot(
            "it is not known where objects are stored: write [storage] layout into the target file"
        )
    root = system.storage_dir.resolve()
    place = (root / str(storage_path)).resolve()
    content: list[bytes] = []

    async def check_possible() -> None:
        if not place.is_relative_to(root) or not place.is_file():
            raise TargetCannot(
                f"there is no object at {storage_path!r} below the storage directory"
            )

    async def inject() -> None:
        content.append(place.read_bytes())
        place.unlink()
        place.mkdir()

    async def victim_shows() -> str:
        if not place.is_dir():
            raise FaultNotShown(f"{storage_path} is no directory")
        return f"{storage_path} is a directory"

    async def others_see() -> str:
        try:
            await asyncio.to_thread(place.read_bytes)
        except OSError as error:
            return f"reading it: {error.strerror}"
        raise FaultNotShown(f"{storage_path} can be read")

    async def heal() -> None:
        place.rmdir()
        place.write_bytes(content[-1])

    async def healed() -> str:
        if await asyncio.to_thread(_read, place) != content[-1]:
            raise FaultNotShown(f"{storage_path} cannot be read again")
        return f"{storage_path} can be read again"

    return Fault(
        label="spoil-object",
        what=f"unreadable object {storage_path}",
        victims=(VICTIM,),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=healed,
    )


def _read(place: Path) -> bytes | None:
    return place.read_bytes() if place.is_file() else None
