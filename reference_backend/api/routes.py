"""Every route of the contract, one line each, as in `contracts/openapi.yaml`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from aiohttp import web

from reference_backend.api import (
    evidence,
    exports,
    health,
    jobs,
    ledger,
    openapi,
    uploads,
    verification,
)


class Access(Enum):
    """Who may call a route."""

    PUBLIC = auto()
    READERS = auto()
    """Every role of an organization."""
    WRITERS = auto()
    """Every role except viewer."""


PUBLIC, READERS, WRITERS = Access.PUBLIC, Access.READERS, Access.WRITERS
_JOB = "/api/jobs/{job_id}"
_EVIDENCE = "/api/evidence/{evidence_id}"
_EXPORT = "/api/exports/{export_id}"
_EVENT = "/api/ledger/events/{event_id}"
_UPLOAD = f"{_JOB}/evidence/upload"
_REQUEST = f"{_JOB}/export/{{export_type}}"
_VERIFY = "/api/verify/manifest"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """An operation of the contract, who may call it, and its handler."""

    operation_id: str
    method: str
    path: str
    access: Access
    handler: Handler


def all_routes() -> tuple[Route, ...]:
    """The routes; handlers are read from their modules when the application is built."""
    return (
        Route("createJob", "POST", "/api/jobs", WRITERS, jobs.create_job),
        Route("listJobs", "GET", "/api/jobs", READERS, jobs.list_jobs),
        Route("getJob", "GET", _JOB, READERS, jobs.get_job),
        Route("uploadEvidence", "POST", _UPLOAD, WRITERS, uploads.upload_evidence),
        Route("listEvidence", "GET", f"{_JOB}/evidence", READERS, evidence.list_evidence),
        Route("getEvidence", "GET", _EVIDENCE, READERS, evidence.get_evidence),
        Route("getEvidenceContent", "GET", f"{_EVIDENCE}/content", READERS, evidence.get_content),
        Route("requestExport", "POST", _REQUEST, WRITERS, exports.request_export),
        Route("listExports", "GET", f"{_JOB}/exports", READERS, exports.list_exports),
        Route("getExport", "GET", _EXPORT, READERS, exports.get_export),
        Route("cancelExport", "POST", f"{_EXPORT}/cancel", WRITERS, exports.cancel_export),
        Route("retryExport", "POST", f"{_EXPORT}/retry", WRITERS, exports.retry_export),
        Route("downloadExport", "GET", f"{_EXPORT}/download", READERS, exports.download_export),
        Route("getManifest", "GET", f"{_EXPORT}/manifest", READERS, exports.get_manifest),
        # It writes nothing, so viewers may call it.
        Route("verifyManifest", "POST", _VERIFY, READERS, verification.verify_manifest),
        Route("listLedgerEvents", "GET", "/api/ledger/events", READERS, ledger.list_ledger_events),
        Route("getLedgerEvent", "GET", _EVENT, READERS, ledger.get_ledger_event),
        Route("verifyLedgerEvent", "GET", f"{_EVENT}/verify", READERS, ledger.verify_ledger_event),
        Route("live", "GET", "/livez", PUBLIC, health.live),
        Route("ready", "GET", "/readyz", PUBLIC, health.ready),
        Route("health", "GET", "/health", PUBLIC, health.ready),
        Route("metrics", "GET", "/metrics", PUBLIC, health.metrics),
        Route("openapi", "GET", "/openapi.json", PUBLIC, openapi.get_openapi),
    )  # fmt: skip
