"""The storage is full in the middle of a write, or read-only, and works again afterwards."""

import random

from chaos.drills.cut_writes.full_storage import STORAGE_BYTES, FullStorage
from chaos.drills.health import judge_health
from chaos.drills.worker_drill import worker_drill
from harness.check import check
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

STUCK_TIMEOUT_S = 1.5


@check(
    "chaos.storage-full",
    "A full storage refuses uploads, breaks no export",
    checklist="Verify uploads and exports when the storage is full",
    profile="full",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN}),
    deadline_s=120,
)
async def check_storage_full(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Fill the storage but for less than a file, then make it read-only; upload and export.

    Uploads are refused with 5xx and leave nothing, or are whole; an export fails or is tried again,
    and never becomes ready without its object. Afterwards everything works without a restart: the
    same upload under its key gives one record, another is accepted, and each export becomes ready.
    """
    async with worker_drill(
        fresh_system,
        target,
        rng,
        history,
        observe,
        cells,
        values={"stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"},
        storage_bytes=STORAGE_BYTES,
    ) as drill:
        with as_subject():
            await FullStorage(drill=drill).run()
            await judge_health(drill.own, cells, drill.where)
