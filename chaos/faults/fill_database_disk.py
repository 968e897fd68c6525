"""The disk of the database is full: writes fail, and a server that cannot write its log crashes."""

import asyncio

from chaos.faults.fault import Fault
from chaos.faults.harm_storage import FILLER, MOUNT, fill, room
from chaos.faults.harmed_database import SHOWS_WITHIN_S, VICTIM, HarmedDatabase
from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.target import Capability

_WRITE = "CREATE TABLE shakedown_probe AS SELECT repeat('x', 100) FROM generate_series(1, 100000)"
"""Ten megabytes, which are gone again: it is never committed."""


def fill_database_disk(database: HarmedDatabase) -> Fault:
    """Fill the disk of the drill's own server; healing makes room, and starts it where it crashed.

    Only for a server that was started with a disk of a size.
    """
    server = database.own_server
    home = server.data_dir.parent
    if not home.is_mount():
        raise TargetCannot(
            "the database server has no disk of its own: only one that was started with "
            "fresh_system(own_server=True, database_bytes=…) has"
        )
    filler = home / FILLER

    async def inject() -> None:
        await asyncio.to_thread(fill, filler, 0)

    async def victim_shows() -> str:
        if left := room(home):
            raise FaultNotShown(f"{left} bytes are left on the disk of the database")
        return "no byte is left"

    async def others_see() -> str:
        return await database.attempt_until(
            lambda got: got != "done", "to be refused", sql=_WRITE, within_s=SHOWS_WITHIN_S
        )

    async def heal() -> None:
        filler.unlink(missing_ok=True)
        if not server.is_alive() or await database.attempt() != "done":
            await server.restart()

    async def healed() -> str:
        got = await database.attempt(_WRITE)
        if got != "done":
            raise FaultNotShown(f"a write still gets: {got}")
        return "a write of ten megabytes is done"

    return Fault(
        label="database-disk-full",
        what=f"full disk of {database.name}",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        machine=(MOUNT,),
        undo=("rm", "-f", str(filler)),
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=healed,
    )
