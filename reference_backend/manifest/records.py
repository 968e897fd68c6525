"""What the database knows about an export, gathered in one transaction for its verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from reference_backend import queries
from reference_backend.database import Connection
from reference_backend.ledger import verify as ledger_verify
from reference_backend.manifest.document import ExportIdentity
from reference_backend.manifest.evidence import EvidenceFile


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The ``export.completed`` event, and whether the chain holds up to it."""

    manifest_hash: str | None
    chain_ok: bool


@dataclass(frozen=True, kw_only=True)
class ExportRecords:
    """An export with everything that its manifest is about. ``ready`` is False until it has one."""

    identity: ExportIdentity
    ready: bool
    manifest: str | None
    manifest_hash: str | None
    storage_path: str | None
    object_sha256: str | None
    evidence: tuple[EvidenceFile, ...]
    head_hash: str | None
    """The hash that the ledger really has at the export's ledger head."""
    completions: tuple[Completion, ...]


async def read_records(
    connection: Connection, export_id: UUID, salts: Mapping[str, str]
) -> ExportRecords | None:
    """The facts about an export that the connection may see, or None."""
    cursor = await connection.execute(queries.load("manifest_export"), {"export_id": export_id})
    row = await cursor.fetchone()
    if row is None:
        return None
    identity = ExportIdentity.from_row(row)
    evidence = await _read_evidence(connection, identity, str(row["export_type"]))
    cursor = await connection.execute(
        queries.load("manifest_completions"),
        {"organization_id": identity.organization_id, "export_id": export_id},
    )
    completions = []
    for event in await cursor.fetchall():
        ledger_event = await ledger_verify.read_event(connection, event["id"])
        assert ledger_event is not None, "events do not vanish"
        walked = await ledger_verify.verify_event(connection, ledger_event, salts)
        completions.append(
            Completion(manifest_hash=event["manifest_hash"], chain_ok=walked.chain_ok)
        )
    return ExportRecords(
        identity=identity,
        ready=row["state"] == "ready",
        manifest=row["manifest"],
        manifest_hash=row["manifest_hash"],
        storage_path=row["storage_path"],
        object_sha256=row["object_sha256"],
        evidence=tuple(evidence),
        head_hash=row["head_hash"],
        completions=tuple(completions),
    )


async def _read_evidence(
    connection: Connection, export: ExportIdentity, export_type: str
) -> list[EvidenceFile]:
    """The files that an export shows: those of its job, sealed before it was requested."""
    if export_type != "proof-pack":
        return []
    cursor = await connection.execute(
        queries.load("evidence_of_exports"),
        {
            "export_ids": [export.export_id],
            "organization_ids": [export.organization_id],
            "job_ids": [export.job_id],
            "up_to": [export.ledger_head_seq],
        },
    )
    return [EvidenceFile.from_row(row) async for row in cursor]
