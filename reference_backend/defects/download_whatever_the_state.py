"""Downloads do not check the export's state, so columns that are null raise."""

from collections.abc import Mapping
from typing import Any

from reference_backend.api import exports
from reference_backend.defects import Defect


def _patch() -> None:
    def require_ready(row: Mapping[str, Any]) -> None:
        """The storage knows what is there."""

    exports._require_ready = require_ready  # noqa: SLF001


DEFECT = Defect(
    title="Downloading an export that is canceled or failed is a 500",
    source="known: a state that was added later than the code that reads it",
    expected=("contract.stateful", "contract.fuzz"),
    patch=_patch,
)
