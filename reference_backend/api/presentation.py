"""Rows as clients see them: the `data` of every answer, with ids and times as text."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from reference_backend.ledger.event import utc_text

Row = Mapping[str, Any]
_INTERNAL = frozenset({"object_sha256", "object_size", "ledger_seq"})


def show_job(row: Row) -> dict[str, Any]:
    """A job."""
    return _shown(row)


def show_evidence(row: Row) -> dict[str, Any]:
    """A piece of evidence; `evidence_id` repeats `id` for clients that look for that name."""
    return {**_shown(row), "evidence_id": str(row["id"])}


def show_export(row: Row) -> dict[str, Any]:
    """An export, with its manifest as an object once there is one."""
    return {**_shown(row), "manifest": json.loads(row["manifest"] or "null")}


def shown_time(moment: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds, so that text order is time order."""
    return utc_text(moment)


def _shown(row: Row) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if name not in _INTERNAL}


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return shown_time(value) if isinstance(value, datetime) else value
