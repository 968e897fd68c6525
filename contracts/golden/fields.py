"""The fields of each resource and their allowed values, as the contract lists them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts.shared.resources.conventions import RFC_3339_UTC, TIMES, field_of
from harness.client import Record
from harness.expect import expect

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Kind:
    """The values that a field may have."""

    name: str
    """Its name in messages."""
    allows: Callable[[object], bool]
    rule: str = "answer.fields"
    """The rule that another value breaks."""


def or_null(kind: Kind) -> Kind:
    """The same, or null."""
    name = f"{kind.name} or null"
    return Kind(name, lambda value: value is None or kind.allows(value), kind.rule)


def one_of(*texts: str) -> Kind:
    """One of these texts."""
    return Kind(" or ".join(texts), lambda value: value in texts)


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


ID = Kind("a UUID", _is_uuid)
STRING = Kind("a string", lambda value: isinstance(value, str))
TEXT = Kind("a string that is not empty", lambda value: isinstance(value, str) and bool(value))
TIME = Kind(
    "a time, RFC 3339 in UTC",
    lambda value: isinstance(value, str) and bool(RFC_3339_UTC.fullmatch(value)),
    TIMES,
)
SHA256 = Kind(
    "64 hex digits", lambda value: isinstance(value, str) and bool(_SHA256.fullmatch(value))
)
COUNT = Kind("a whole number, 0 or more", _is_count)
POSITIVE = Kind("a whole number, 1 or more", lambda value: _is_count(value) and bool(value))
PERCENTAGE = Kind(
    "a whole number from 0 to 100", lambda value: _is_count(value) and value in range(101)
)
OBJECT = Kind("an object", lambda value: isinstance(value, Mapping))

JOB = {"id": ID, "organization_id": ID, "title": TEXT, "created_at": TIME}

EVIDENCE = {
    "id": ID,
    "evidence_id": ID,
    "job_id": ID,
    "organization_id": ID,
    "file_name": TEXT,
    "file_size": POSITIVE,
    "mime_type": TEXT,
    "file_sha256": SHA256,
    "state": one_of("sealed"),
    "storage_path": TEXT,
    "tag": or_null(STRING),
    "phase": or_null(STRING),
    "captured_at": or_null(TIME),
    "created_at": TIME,
    "ledger_event_id": ID,
}

EXPORT = {
    "id": ID,
    "job_id": ID,
    "organization_id": ID,
    "export_type": one_of("proof-pack", "ledger"),
    "state": one_of("queued", "preparing", "ready", "failed", "canceled"),
    "filters": OBJECT,
    "progress": PERCENTAGE,
    "attempt": COUNT,
    "claimed_by": or_null(TEXT),
    "heartbeat_at": or_null(TIME),
    "queue_position": or_null(POSITIVE),
    "storage_path": or_null(TEXT),
    "manifest": or_null(OBJECT),
    "manifest_hash": or_null(SHA256),
    "error_code": or_null(TEXT),
    "error_message": or_null(STRING),
    "created_at": TIME,
    "started_at": or_null(TIME),
    "completed_at": or_null(TIME),
}

LEDGER_EVENT = {
    "id": ID,
    "organization_id": ID,
    "ledger_seq": POSITIVE,
    "actor_id": or_null(TEXT),
    "event_name": one_of(
        "evidence.sealed",
        "export.requested",
        "export.completed",
        "export.failed",
        "export.canceled",
    ),
    "target_type": TEXT,
    "target_id": ID,
    "created_at": TIME,
    "metadata": OBJECT,
    "hash": SHA256,
}


def expect_fields(record: Record, fields: Mapping[str, Kind]) -> None:
    """Fail unless the record has each of these fields with an allowed value."""
    for name, kind in fields.items():
        expect_field(record, name, kind)


def expect_field(record: Record, name: str, kind: Kind) -> None:
    """Fail unless the record has this field with an allowed value."""
    if record.lacks(name):
        return
    value = record[name]
    expect(
        kind.allows(value),
        expected=f"{name} in {record.source}: {kind.name}",
        got=repr(value)[:200],
        rule=kind.rule,
        subject=field_of(record, name),
    )
