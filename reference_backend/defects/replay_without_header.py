"""The original answer is given again as it was; that it is a replay, nobody wrote down."""

from reference_backend.api import idempotency
from reference_backend.defects import Defect


def _patch() -> None:
    idempotency._REPLAYED.clear()  # noqa: SLF001


DEFECT = Defect(
    title="A replay does not say that it is one: clients count it as a second upload",
    source="known: headers are added where the answer is made, and a replay is not made there",
    expected=("golden.upload-replay",),
    patch=_patch,
)
