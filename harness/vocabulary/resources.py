"""The kinds of objects in answers and exports, and which operation returns which."""

from collections.abc import Mapping
from typing import Literal, get_args

Resource = Literal[
    "job",
    "evidence",
    "export",
    "ledger_event",
    "ledger_verification",
    "manifest_verification",
    "ledger_line",
    "manifest",
    "manifest_file",
    "manifest_head",
]
"""The last four are in exports: an event in the ledger file, the manifest, each of its `files`,
and its `ledger_head`."""

RESOURCES: tuple[str, ...] = get_args(Resource)

RETURNED_BY: Mapping[str, Resource] = {
    "createJob": "job",
    "listJobs": "job",
    "getJob": "job",
    "uploadEvidence": "evidence",
    "listEvidence": "evidence",
    "getEvidence": "evidence",
    "requestExport": "export",
    "listExports": "export",
    "getExport": "export",
    "cancelExport": "export",
    "retryExport": "export",
    "listLedgerEvents": "ledger_event",
    "getLedgerEvent": "ledger_event",
    "verifyLedgerEvent": "ledger_verification",
    "verifyManifest": "manifest_verification",
    "getManifest": "manifest",
}
"""What each operation returns, by its operationId."""

LISTS = frozenset({"listJobs", "listEvidence", "listExports", "listLedgerEvents"})
"""The operations that return pages of objects."""
