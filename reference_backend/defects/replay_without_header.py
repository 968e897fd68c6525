"""A replayed answer is returned exactly as recorded, without the replay header."""

from reference_backend.api import idempotency
from reference_backend.defects import Defect


def _patch() -> None:
    idempotency._REPLAYED.clear()  # noqa: SLF001


DEFECT = Defect(
    title="A replay is not marked as one: clients count it as a second upload",
    source="known: headers are added where the answer is made, and a replay is not made there",
    expected=("golden.upload-replay",),
    patch=_patch,
)
