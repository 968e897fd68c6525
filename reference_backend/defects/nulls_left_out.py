"""Fields that are null are left out of the answer."""

from typing import Any

from reference_backend.api import exports, presentation
from reference_backend.defects import Defect


def _patch() -> None:
    clean = presentation.show_export

    def show_export(row: presentation.Row) -> dict[str, Any]:
        return {name: value for name, value in clean(row).items() if value is not None}

    presentation.show_export = show_export
    exports.show_export = show_export  # type: ignore[attr-defined]  # it has imported the name


DEFECT = Defect(
    title="Fields of an export that have no value yet are missing instead of null",
    source="known: omitempty, exclude_none and their like",
    expected=("contract.fuzz", "contract.stateful"),
    patch=_patch,
)
