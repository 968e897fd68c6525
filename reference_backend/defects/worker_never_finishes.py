"""The worker prepares an export, keeps its lease alive, and waits for something that never comes."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport


def _patch() -> None:
    async def work(self: Exporter, export: RunningExport) -> bool:
        await asyncio.Event().wait()
        return False

    Exporter.work = work  # type: ignore[method-assign]


DEFECT = Defect(
    title="An export is claimed and stays preparing for ever, with a heartbeat",
    source="R1 family: a worker that waits for a reply without a deadline",
    expected=("golden.export-download",),
    patch=_patch,
)
