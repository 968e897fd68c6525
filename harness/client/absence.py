"""Requests that ask for what the target declares absent are not sent."""

from collections.abc import Mapping
from typing import Any

from harness.asks import ask
from harness.errors import Absent
from harness.target.contract.without import Without

PAGING = ("limit", "cursor")
"""What asks for a part of a list."""


def without_empty(
    without: Without, operation_id: str, members: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Give the members of a body without those that are empty, and absent here."""
    return {
        name: value
        for name, value in members.items()
        if value not in ({}, None) or not without.parameter(name, operation_id)
    }


def refuse_absent(
    without: Without, operation_id: str, members: Mapping[str, Any], *, export_type: str = ""
) -> None:
    """Raise `Absent` where a request needs what the backend does not have.

    `members` are those of its query, form and body, by the contract's names.
    """
    for name, value in members.items():
        if name in PAGING:  # who only wants the whole list can do without
            ask(f"pages of {operation_id}", part=True)
            if without.has_no_pages(operation_id):
                raise Absent(f"pages of {operation_id}", "[contract.without] pages")
        else:
            ask(f"{operation_id}.{name}", part=value in ({}, None))
            if without.parameter(name, operation_id):
                raise Absent(f"{operation_id}.{name}", "[contract.without] parameters")
    if export_type:
        ask(f"export type {export_type}")
        if export_type in without.export_types:
            raise Absent(f"export type {export_type}", "[contract.without] export_types")
