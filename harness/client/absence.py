"""Requests that ask for what the target declares absent are not sent."""

from collections.abc import Mapping
from typing import Any

from harness.asks import ask
from harness.errors import Absent
from harness.target.without import Without

PAGING = ("limit", "cursor")
"""What asks for a part of a list."""


def refuse_absent(
    without: Without, operation_id: str, members: Mapping[str, Any], *, export_type: str = ""
) -> None:
    """Raise `Absent` where a request needs what the backend does not have.

    `members` are those of its query, form and body, by the contract's names.
    """
    for name in members:
        if name in PAGING:
            _ask(f"pages of {operation_id}", without.has_no_pages(operation_id), "pages")
        else:
            is_absent = without.parameter(name, operation_id)
            _ask(f"{operation_id}.{name}", is_absent, "parameters")
    if export_type:
        _ask(f"export type {export_type}", export_type in without.export_types, "export_types")


def _ask(name: str, is_absent: bool, key: str) -> None:
    ask(name)
    if is_absent:
        raise Absent(name, f"[contract.without] {key}")
