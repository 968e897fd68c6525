"""What the database holds about an export, read in one transaction for its verification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from reference_backend.database import Connection, fetch_all, fetch_one
from reference_backend.ledger.event import LedgerEvent
from reference_backend.ledger.verify import verify_event
from reference_backend.manifest.document import ExportIdentity
from reference_backend.manifest.evidence import EvidenceFile, evidence_parameters


@dataclass(frozen=True, kw_only=True)
class CompletedEvent:
    """An ``export.completed`` event, and whether the chain holds up to it."""

    manifest_hash: str | None
    chain_ok: bool


@dataclass(frozen=True, kw_only=True)
class ExportRecords(ExportIdentity):
    """An export with all that its manifest is compared with."""

    export_type: str
    state: str
    manifest: str | None
    manifest_hash: str | None
    storage_path: str | None
    object_sha256: str | None
    head_hash: str | None
    """The hash that the ledger really has at the export's ledger head."""
    evidence: tuple[EvidenceFile, ...] = ()
    """The files of its job that were sealed before it was requested."""
    completions: tuple[CompletedEvent, ...] = ()


async def read_records(
    connection: Connection, export_id: UUID, salts: Mapping[str, str]
) -> ExportRecords | None:
    """The records of an export that the connection may see, or None."""
    row = await fetch_one(connection, "manifest_export", export_id=export_id)
    if row is None:
        return None
    export = ExportRecords(**row)
    if export.export_type == "proof-pack":
        parameters = evidence_parameters([export])
        rows = await fetch_all(connection, "evidence_of_exports", **parameters)
        evidence = [EvidenceFile(**row) for row in rows if row.pop("export_id")]
        export = replace(export, evidence=tuple(evidence))
    completions = []
    for row in await fetch_all(
        connection,
        "manifest_completions",
        organization_id=export.organization_id,
        export_id=export_id,
    ):
        event = LedgerEvent(**row)
        walked = await verify_event(connection, event, salts)
        manifest_hash = json.loads(event.metadata).get("manifest_hash")
        completions.append(CompletedEvent(manifest_hash=manifest_hash, chain_ok=walked.chain_ok))
    return replace(export, completions=tuple(completions))
