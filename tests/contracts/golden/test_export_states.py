from typing import Any

import pytest

from contracts.golden.export_states import expect_export
from harness.client import Organization, Record
from harness.client.client import Client
from harness.client.http.transport import Transport
from harness.client.routes import Routes
from harness.errors import CheckFailed

ID = "3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"
NOW = "2026-01-31T12:00:00Z"
CLIENT = Client(transport=Transport(["http://127.0.0.1:1"]), routes=Routes({}), token=None)
ORG = Organization(id=ID, name="", users={}, tokens={}, client=CLIENT)


def export(**fields: object) -> Record:
    return Record(
        {
            "id": ID, "job_id": ID, "organization_id": ID, "export_type": "ledger",
            "state": "queued", "filters": {}, "progress": 0, "attempt": 0, "claimed_by": None,
            "heartbeat_at": None, "queue_position": 1, "storage_path": None, "manifest": None,
            "manifest_hash": None, "error_code": None, "error_message": None, "created_at": NOW,
            "started_at": None, "completed_at": None,
        }
        | fields
    )  # fmt: skip


CLAIMED: dict[str, Any] = {
    "state": "preparing", "attempt": 1, "claimed_by": "w", "started_at": NOW, "queue_position": None
}  # fmt: skip
READY: dict[str, Any] = CLAIMED | {
    "state": "ready", "progress": 100, "storage_path": "p", "manifest": {},
    "manifest_hash": "0" * 64, "completed_at": NOW,
}  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"attempt": 1, "error_code": "attempts_exhausted"},  # queued again, after a failure
        CLAIMED,
        CLAIMED | {"heartbeat_at": NOW, "progress": 50},
        READY,
        {"state": "canceled", "queue_position": None},
        CLAIMED | {"state": "failed", "error_code": "evidence_missing", "completed_at": NOW},
    ],
)
def test_data_that_agrees_with_its_state_is_accepted(fields: dict[str, Any]) -> None:
    expect_export(export(**fields), ORG)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"queue_position": None}, "queue_position"),
        ({"queue_position": 0}, "queue_position"),
        ({"completed_at": NOW}, "completed_at"),
        ({"state": "done"}, "state"),
        ({"organization_id": "aaaaaaaa-6a0f-4c2b-9a52-0a3a1c3f6a10"}, "organization_id"),
        (CLAIMED | {"claimed_by": None}, "claimed_by"),
        (CLAIMED | {"queue_position": 1}, "queue_position"),
        (CLAIMED | {"attempt": 0}, "attempt"),
        (READY | {"progress": 99}, "progress"),
        (READY | {"manifest": None}, "manifest"),
        (READY | {"error_code": "oops"}, "error_code"),
    ],
)
def test_data_that_contradicts_its_state_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(CheckFailed, match=field):
        expect_export(export(**fields), ORG)
