"""The faults that a target file declares for a backend that somebody else runs, one by one."""

import random
from collections.abc import Callable
from pathlib import Path

from chaos.staging.drill import Aborted, StagingDrill, drill
from harness.check import check
from harness.client import Organizations, Samples
from harness.errors import Inconclusive
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.machine.commands import CommandResult
from harness.plugin.observations import Observations
from harness.redaction.redactor import Redactor
from harness.system import System
from harness.target import Capability, Target

ORGANIZATIONS = 3
"""Who export, where new ones can be made; else whoever the given token belongs to."""

SHOWN_CHARACTERS = 1500


@check(
    "chaos.staging-fault",
    "Faults on a running system lose nothing, double nothing, and leave it as steady as it was",
    checklist="Verify recovery on staging: instances harmed, healed, and nothing lost",
    observes=1,
    needs={Capability.LOAD, Capability.FAULTS},
    deadline_s=3600,
)
async def check_staging_fault(
    organizations: Organizations,
    system: System,
    target: Target,
    guard: Guard,
    rng: random.Random,
    history: HistoryWriter,
    report_dir: Path,
    observe: Observations,
) -> None:
    staging_drill = StagingDrill(
        target=target,
        guard=guard,
        journal=system.journal,
        owners=await organizations.several(
            ORGANIZATIONS if target.tokens.makes_organizations else 1
        ),
        samples=Samples(rng),
        history=history,
        tell=kept_in(report_dir / "commands.log", Redactor(system.secrets)),
    )
    open_questions: list[str] = []
    for name, fault in target.chaos.faults.items():
        try:
            under_way = await drill(name, fault, staging_drill)
        except Aborted:
            raise  # whoever did not bear one fault well is spared the others
        except Inconclusive as question:
            open_questions.append(str(question))
            continue
        if under_way:
            observe(under_way, what="exports under way when a fault took hold")
        else:
            open_questions.append(f"no export was under way when {name!r} took hold")
    if open_questions:
        raise Inconclusive("\n".join(open_questions))


def kept_in(log: Path, redact: Redactor) -> Callable[[CommandResult], str]:
    """Keep what commands print in a file of the report; give its end for a message."""

    def tell(ended: CommandResult) -> str:
        told = redact(ended.describe())
        with log.open("a", encoding="utf-8") as file:
            file.write(told + "\n\n")
        head, _, printed = told.partition("\n")
        return f"{head}\n{printed[-SHOWN_CHARACTERS:]}"

    return tell
