"""Whatever is cut in the middle, the answer and what is stored agree."""

import random

from chaos.drills.cut_writes.half_written import HalfWritten
from chaos.drills.worker_drill import worker_drill
from harness.check import check
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

GRACE_S = 3.0
TIDY_S = 3.0
STUCK_TIMEOUT_S = 1.5
"""Of this drill's own system, where the target file fills them in."""


@check(
    "chaos.half-written",
    "Answers and what is stored agree after any cut",
    checklist="Verify that nothing is half-written when a process, a client or an answer is lost",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL}),
    profile="full",
    deadline_s=180,
)
async def check_half_written(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Cut writes in their middle, and look whether the answer and what is stored agree.

    The database's answer is lost for each commit of an upload, a keyed request, a new job, a
    cancellation and a retry, and of a worker's claim, completion, failure and drain; an instance is
    killed and clients leave in the middle of uploads and of requests that wait for a lock; the
    database is read-only; cancellations meet completions; a commit waits for longer than litter may
    stay. What was acknowledged is there, whole and once; what was refused is not; a key belongs to
    its record; exports end once with one event; and what the killed left in the storage is gone
    within `[storage] tidy_s`.
    """
    values = {
        "drain_grace_s": f"{GRACE_S:g}",
        "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}",
        "tidy_s": f"{TIDY_S:g}",
    }
    async with worker_drill(
        fresh_system,
        target,
        rng,
        history,
        observe,
        cells,
        values=values,
        api_instances=2,
        proxied=True,
    ) as drill:
        tidy_s = TIDY_S if target.mentions("tidy_s") else None
        half_written = HalfWritten(drill=drill, tidy_s=tidy_s)
        with as_subject():
            await half_written.run()
