"""The faults that a target file declares for a backend that already runs, one by one."""

import random
from collections.abc import Callable
from pathlib import Path

from chaos.drills.drill import run_drill
from chaos.staging.drill import STAGING_FAULT, Aborted, StagingDrill
from harness.check import check
from harness.client import Organizations, Samples
from harness.errors import Inconclusive
from harness.guard import Guard
from harness.history import HistoryWriter
from harness.machine.commands import CommandResult
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.redaction.redactor import Redactor
from harness.system import System
from harness.target import Target

ORGANIZATIONS = 3
"""How many export, where new ones can be made; otherwise the organization of the given token."""

SHOWN_CHARACTERS = 1500


@check(
    "chaos.staging-fault",
    "Staging faults lose and repeat no export",
    checklist="Verify recovery on staging: instances harmed, healed, and nothing lost",
    observes=1,
    needs=STAGING_FAULT.needs,
    deadline_s=STAGING_FAULT.budget_s,
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
    cells: Cells,
) -> None:
    """Run each declared fault while exports are requested: inject, prove, hold, undo.

    Every accepted export is ready in the end, with one `export.completed` event, attempts that rise
    with every claim, and an intact download. An export works from end to end before and after.
    """
    owners = await organizations.several(ORGANIZATIONS if target.tokens.makes_organizations else 1)
    samples = Samples(rng)
    record = recorder(report_dir / "commands.log", Redactor(system.secrets))
    for name, commands in target.chaos.faults.items():
        drill = StagingDrill(
            journal=system.journal,
            offered=target.capabilities(),
            history=history.part(name),
            observe=observe,
            cells=cells,
            where={"fault": name},
            name=name,
            commands=commands,
            target=target,
            guard=guard,
            owners=owners,
            samples=samples,
            record=record,
        )
        try:
            await run_drill(STAGING_FAULT, drill)
        except Aborted:
            raise  # a backend that did not bear one fault well is not harmed by the others
        except Inconclusive as problem:
            async with cells.of(fault=name):
                raise Inconclusive(f"{name}: {problem}") from problem
        if cells.findings:
            raise Inconclusive(f"the faults after {name!r} were not injected: see its result")


def recorder(log: Path, redact: Redactor) -> Callable[[CommandResult], str]:
    """Keep what commands print in a file of the report; return its end for a message."""

    def record(ended: CommandResult) -> str:
        text = redact(ended.describe())
        with log.open("a", encoding="utf-8") as file:
            file.write(text + "\n\n")
        head, _, printed = text.partition("\n")
        return f"{head}\n{printed[-SHOWN_CHARACTERS:]}"

    return record
