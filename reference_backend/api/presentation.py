"""Rows as clients see them: the `data` of every answer."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reference_backend.ledger.event import utc_text

Row = Mapping[str, Any]


def shown_time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, always with microseconds, so that text order is time order."""
    return None if moment is None else utc_text(moment)


def show_job(row: Row) -> dict[str, Any]:
    """A job."""
    return {
        "id": str(row["id"]),
        "organization_id": str(row["organization_id"]),
        "title": row["title"],
        "created_by": row["created_by"],
        "created_at": shown_time(row["created_at"]),
    }


def show_evidence(row: Row) -> dict[str, Any]:
    """A piece of evidence; `evidence_id` repeats `id` for clients that look for that name."""
    return {
        "id": str(row["id"]),
        "evidence_id": str(row["id"]),
        "job_id": str(row["job_id"]),
        "organization_id": str(row["organization_id"]),
        "file_name": row["file_name"],
        "file_size": row["file_size"],
        "mime_type": row["mime_type"],
        "file_sha256": row["file_sha256"],
        "state": row["state"],
        "storage_path": row["storage_path"],
        "tag": row["tag"],
        "phase": row["phase"],
        "captured_at": shown_time(row["captured_at"]),
        "created_at": shown_time(row["created_at"]),
        "ledger_event_id": str(row["ledger_event_id"]),
    }


def show_export(row: Row) -> dict[str, Any]:
    """An export, with its manifest as an object once there is one."""
    return {
        "id": str(row["id"]),
        "job_id": str(row["job_id"]),
        "organization_id": str(row["organization_id"]),
        "export_type": row["export_type"],
        "filters": row["filters"],
        "state": row["state"],
        "progress": row["progress"],
        "attempt": row["attempt"],
        "claimed_by": row["claimed_by"],
        "heartbeat_at": shown_time(row["heartbeat_at"]),
        "queue_position": row["queue_position"],
        "storage_path": row["storage_path"],
        "manifest": json.loads(row["manifest"]) if row["manifest"] is not None else None,
        "manifest_hash": row["manifest_hash"],
        "error_code": row["error_code"],
        "error_message": row["error_message"],
        "created_at": shown_time(row["created_at"]),
        "started_at": shown_time(row["started_at"]),
        "completed_at": shown_time(row["completed_at"]),
    }
