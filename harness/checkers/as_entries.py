"""Facts that were read from a database or from HTTP, as the entries of a history."""

from collections.abc import Iterable
from typing import Any, Final

from harness.checkers.facts import ExportFact, Transition
from harness.checkers.fold import microseconds
from harness.history import entries

FIXED: Final[dict[str, Any]] = {"i": 0, "t_ns": 0, "writer": ""}
"""The place of an entry that is in no file."""


def transition_fields(step: Transition) -> dict[str, Any]:
    """Give the fields of the entry of a change."""
    heartbeat = step.heartbeat_at
    return {
        "n": step.n,
        "at_us": microseconds(step.at),
        "job": step.export_id,
        "org": step.organization_id or None,
        "old_state": step.old_state,
        "new_state": step.new_state,
        "old_attempt": step.old_attempt,
        "new_attempt": step.new_attempt,
        "old_worker": step.old_claimed_by,
        "new_worker": step.new_claimed_by,
        "heartbeat_us": None if heartbeat is None else microseconds(heartbeat),
        "txid": step.txid,
        "old_token": step.old_token,
        "token": step.token,
    }


def export_fields(export: ExportFact) -> dict[str, Any]:
    """Give the fields of the entry of an export at the end."""
    return {
        "job": export.id,
        "state": export.state,
        "attempt": export.attempt,
        "org": export.organization_id or None,
        "error": export.error_code,
    }


def of_transition(step: Transition) -> entries.Transition:
    """Give the entry of a change."""
    return entries.Transition(**FIXED, **transition_fields(step))


def of_transitions(steps: Iterable[Transition]) -> list[entries.Entry]:
    """Give the entries of changes."""
    return [of_transition(step) for step in steps]


def of_export(export: ExportFact) -> entries.State:
    """Give the entry of an export at the end."""
    return entries.State(**FIXED, **export_fields(export))
