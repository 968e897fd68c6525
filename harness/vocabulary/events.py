"""The names of the ledger's events."""

EVIDENCE_SEALED = "evidence.sealed"
EXPORT_REQUESTED = "export.requested"
EXPORT_COMPLETED = "export.completed"
EXPORT_FAILED = "export.failed"
EXPORT_CANCELED = "export.canceled"

EVENT_NAMES = frozenset(
    {EVIDENCE_SEALED, EXPORT_REQUESTED, EXPORT_COMPLETED, EXPORT_FAILED, EXPORT_CANCELED}
)
