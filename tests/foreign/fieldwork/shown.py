"""Records as answers show them."""

from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """A time, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def work_order(row: Row) -> Row:
    """A work order."""
    return {
        "id": str(row["id"]),
        "orgId": str(row["org_id"]),
        "name": row["name"],
        "source": row["source"],
        "createdBy": str(row["created_by"]),
        "createdAt": moment(row["created_at"]),
    }


def document(row: Row) -> Row:
    """A document's record."""
    return {
        "id": str(row["id"]),
        "orgId": str(row["org_id"]),
        "workOrderId": str(row["work_order_id"]),
        "fileName": row["file_name"],
        "contentType": row["content_type"],
        "size": row["byte_size"],
        "sha256": row["sha256"],
        "storageKey": row["storage_key"],
        "category": row["category"],
        "step": row["step"],
        "takenAt": moment(row["taken_at"]),
        "uploadedBy": str(row["uploaded_by"]),
        "createdAt": moment(row["created_at"]),
    }


def package(row: Row) -> Row:
    """A package."""
    return {
        "id": str(row["id"]),
        "orgId": str(row["org_id"]),
        "workOrderId": str(row["work_order_id"]),
        "kind": row["kind"],
        "status": row["status"],
        "progress": row["progress"],
        "attempts": row["attempts"],
        "storageKey": row["storage_key"],
        "manifestSha256": row["manifest_sha256"],
        "errorReason": row["error_reason"],
        "errorMessage": row["error_message"],
        "createdAt": moment(row["created_at"]),
        "startedAt": moment(row["started_at"]),
        "finishedAt": moment(row["finished_at"]),
    }


def entry(row: Row) -> Row:
    """An entry of the activity log."""
    return {
        "id": str(row["id"]),
        "entryNo": row["entry_no"],
        "orgId": str(row["org_id"]),
        "actorId": None if row["actor_id"] is None else str(row["actor_id"]),
        "action": row["action"],
        "recordType": row["record_type"],
        "recordId": str(row["record_id"]),
        "loggedAt": moment(row["logged_at"]),
        "payload": row["payload"],
        "prevHash": row["prev_hash"],
        "entryHash": row["entry_hash"],
    }
