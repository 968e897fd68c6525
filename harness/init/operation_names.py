"""The operations of the contract, by what they are about, and the parameters of their paths."""

from collections.abc import Mapping

HEALTH = ("live", "ready", "health")
PROBES = (*HEALTH, "metrics", "openapi")

PARAMETERS: Mapping[str, str] = {
    "job": "job_id",
    "evidence": "evidence_id",
    "export": "export_id",
    "ledger": "event_id",
}
"""What the contract calls the parameter after each noun."""

ROLE_OF: Mapping[str, str] = {
    "createJob": "job",
    "listJobs": "job",
    "getJob": "job",
    "uploadEvidence": "evidence",
    "listEvidence": "evidence",
    "getEvidence": "evidence",
    "getEvidenceContent": "evidence",
    "requestExport": "export",
    "listExports": "export",
    "getExport": "export",
    "cancelExport": "export",
    "retryExport": "export",
    "downloadExport": "export",
    "getManifest": "export",
    "listLedgerEvents": "ledger",
    "getLedgerEvent": "ledger",
    "verifyLedgerEvent": "ledger",
}

TAKES: Mapping[str, frozenset[str]] = {
    "job_id": frozenset(
        {"getJob", "uploadEvidence", "listEvidence", "requestExport", "listExports"}
    ),
    "evidence_id": frozenset({"getEvidence", "getEvidenceContent"}),
    "export_type": frozenset({"requestExport"}),
    "export_id": frozenset(
        {
            *("getExport", "cancelExport", "retryExport", "downloadExport", "getManifest"),
            "verifyManifest",  # which takes it in its body, too
        }
    ),
    "event_id": frozenset({"getLedgerEvent", "verifyLedgerEvent"}),
}
"""Which operations of the contract have which parameter."""
