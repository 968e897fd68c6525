"""Clients that read large downloads slowly hold up nothing but themselves."""

import random

from chaos.drills.slow_readers import LargeFiles, SlowReaders
from chaos.drills.worker_drill import worker_drill
from harness.check import check
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target


@check(
    "chaos.slow-readers",
    "Slow readers hold no transaction, and no others up",
    checklist="Verify that slow downloads use up no database connections",
    observes=16,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN}),
    deadline_s=90,
)
async def check_slow_readers(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Begin sixteen downloads of a large pack, and of large evidence, and read no more of them.

    Other requests to the same instance are served meanwhile, and no session of the backend stays
    in a transaction; nothing is left open when the readers have gone.
    """
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        files = await LargeFiles.made(drill)
        readers = SlowReaders(drill=drill, files=files)
        with as_subject():
            for operation_id in await files.given_out():
                await readers.judge(operation_id)
