"""The answer of a commit is lost: it is done, and the instance that asked for it cannot know."""

from collections.abc import Callable, Iterable

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.link import database_link
from chaos.faults.proof import FaultNotShown
from harness.network.postgres_conversation import AnswerCut, PostgresConversation
from harness.system import Instance, System
from harness.target import Capability
from harness.waiting import wait_until

HAPPENS_WITHIN_S = 10.0
"""How long an instance may take until it commits what is waited for."""


def lose_answers(
    system: System,
    victim: Instance,
    wanted: Callable[[str], bool],
    *,
    what: str,
    times: int = 1,
    after: int = 0,
    within_s: float = HAPPENS_WITHIN_S,
) -> Fault:
    """Cut a connection after COMMIT and before the answer, so many `times`.

    `wanted` says of a statement whether its transaction is one of those; `what` names them:
    `claim`. The first of them get their answers (`after`). It is proven once the instance has
    committed one of the others: something must make it do so.
    """
    link, database = database_link(system, victim), HarmedDatabase.of(system)
    assert system.network is not None
    cuts = system.network.cuts[victim.name]
    cut = AnswerCut(wanted=wanted, times=times, after=after)

    async def check_possible() -> None:
        link.require_used()
        if any(each.is_unread for each in sessions()):
            raise FaultNotShown(
                f"the end of a transaction cannot be seen in the connections of {victim.name} to "
                "the database: they are encrypted, or do not follow PostgreSQL's protocol; connect "
                "with sslmode=disable"
            )

    def sessions() -> Iterable[PostgresConversation]:
        assert system.network is not None
        return system.network.sessions(victim.name).values()

    async def inject() -> None:
        cuts.append(cut)

    async def victim_shows() -> str:
        await wait_until(
            lambda: not cut.is_armed,
            within_s,
            f"{victim.name} to commit {times} × {what}",
            error=lambda waited: FaultNotShown(f"{waited}: {len(cut.cut)} answers were lost"),
        )
        lost = cut.cut[-1]
        return f"{lost.tag} was answered, and {lost.bytes} bytes of it were not passed on"

    async def others_see() -> str:
        for lost in cut.cut:
            await database.expect_ended(lost.connection)
        return f"the server has none of the {len(cut.cut)} sessions any more"

    async def heal() -> None:
        cuts.remove(cut)

    return Fault(
        label=f"answer-lost-{what}",
        what=f"{times} lost answers to {what} of {victim.name}",
        victims=(victim.name,),
        needs=frozenset({Capability.SPAWN, Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        check_possible=check_possible,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=heal,
    )
