"""Half-open: packets of a link are lost without a word, as by a cut cable or a lost NAT entry.

Nobody is refused and nothing is reset: each side still believes in its connections, and learns of
the loss only by waiting, by its own keepalives or deadlines. A server keeps what such a session
holds for as long.
"""

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.link import SILENT_S, Link
from chaos.faults.needs import MachineNeed
from chaos.faults.proof import FaultNotShown
from harness.network.packets import cannot_drop
from harness.postgres.server import connect
from harness.system import System
from harness.target import Capability

FILTERS = MachineNeed(
    name="filters for sockets",
    missing=cannot_drop,
    help="run on Linux",
)

_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)"


def half_open(system: System, link: Link) -> Fault:
    """Drop all packets of a link, in both directions; healing lets what was sent arrive."""
    met: list[int] = []

    async def check_possible() -> None:
        link.require_used()

    async def inject() -> None:
        assert system.network is not None
        met[:] = [
            each.backend_pid
            for each in system.network.sessions(link.victim.name).values()
            if each.backend_pid
        ]
        link.proxy.drop_packets()

    async def victim_shows() -> str:
        if not link.proxy.drops_packets:
            raise FaultNotShown(f"the proxy of {link.what} passes packets on")
        return f"{len(met)} open connections, and new ones, get no packet through"

    async def others_see() -> str:
        trip = await link.expect("silent", within_s=SILENT_S)
        seen = f"no answer, and no refusal, for {trip.seconds:.3f} s"
        if link.label != "database" or system.control_url is None or not met:
            return seen
        async with connect(system.control_url) as connection:
            row = await (await connection.execute(_SESSIONS, [met])).fetchone()
        if row is None or not row[0]:
            raise FaultNotShown(f"the server has none of the {len(met)} sessions of {link.what}")
        return f"{seen}; the server still has {row[0]} of {len(met)} sessions"

    async def heal() -> None:
        link.proxy.pass_packets()

    return Fault(
        label=f"half-open-{link.label}",
        what=f"lost packets from {link.what}",
        victims=(link.victim.name,),
        needs=frozenset({Capability.SPAWN}),
        machine=(FILTERS,),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
        healed=lambda: link.expect_answer("after packets pass again"),
    )
