"""A toxic on one direction of a link: it is slow, cut short, silent or reset."""

from contextlib import AsyncExitStack

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.link import Link, Trip
from chaos.faults.proof import FaultNotShown
from chaos.faults.toxic_effects import effect
from harness.network.connection import Stream
from harness.network.toxics import Toxic
from harness.target import Capability

_TRIPS = 3


def add_toxic(link: Link, toxic: Toxic, stream: Stream) -> Fault:
    """Do to a link, in one direction, what a toxic does; healing takes it away."""
    name = _name(toxic)
    before: list[Trip] = []
    held = AsyncExitStack()

    async def check_possible() -> None:
        link.require_used()
        # The best of some: on a busy machine one of them may wait for something else.
        trips = [await link.expect("answered", when="before the fault") for _ in range(_TRIPS)]
        before.append(min(trips, key=lambda trip: trip.seconds))

    async def inject() -> None:
        await held.enter_async_context(link.proxy.toxic(toxic, stream))

    async def victim_shows() -> str:
        if toxic not in link.proxy.toxics(stream):
            raise FaultNotShown(f"the proxy of {link.what} does not have {toxic}")
        return link.require_used()

    return Fault(
        label=f"{name}-{link.label}-{stream}",
        what=f"{toxic} of {link.what}, {stream}",
        victims=(link.victim.name,),
        needs=frozenset({Capability.SPAWN}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=lambda: effect(toxic, link, stream, before[-1]),
        heal=held.aclose,
        healed=lambda: link.expect_answer("after the toxic was removed"),
    )


def _name(toxic: Toxic) -> str:
    """Give Toxiproxy's name: `slow_close` for SlowClose."""
    own = type(toxic).__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in own).lstrip("_")
