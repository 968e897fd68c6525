"""A link that is down: connections are refused, and those that were open are closed."""

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.link import Link
from chaos.faults.proof import FaultNotShown
from harness.target import Capability


def take_down(link: Link) -> Fault:
    """Take a link down; healing brings it back on the same port."""

    async def check_possible() -> None:
        link.require_used()

    async def victim_shows() -> str:
        if link.proxy.is_enabled or link.proxy.open:
            raise FaultNotShown(
                f"the proxy of {link.what} still has {len(link.proxy.open)} open connections"
            )
        return "no connection is open"

    async def others_see() -> str:
        return (await link.expect("refused")).end

    return Fault(
        label=f"down-{link.label}",
        what=f"link from {link.what} down",
        victims=(link.victim.name,),
        needs=frozenset({Capability.SPAWN}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=link.proxy.disable,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=link.proxy.enable,
        healed=lambda: link.expect_answer("after it was brought back"),
    )
