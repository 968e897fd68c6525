"""A worker wakes itself when an export ends, also when it will not claim any more."""

from reference_backend.defects import Defect
from reference_backend.worker.exporter import Exporter


async def _announce_nothing(self: Exporter) -> None:
    """Nothing: the worker looks for more work by itself."""
    del self


def _patch() -> None:
    Exporter.announce_free_place = _announce_nothing  # type: ignore[method-assign]


DEFECT = Defect(
    title="A draining worker that ends an export wakes nobody: its organization's next one waits for the poll of an idle worker",
    source="seen in this backend",
    expected=("chaos.wake-up-returned",),
    patch=_patch,
)
