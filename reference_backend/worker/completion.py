"""Completing exports, several in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reference_backend import database, queries
from reference_backend.storage.interface import StoredObject
from reference_backend.worker.running import Claim


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The result of an export: what was stored, and what its manifest says."""

    claim: Claim
    stored: StoredObject
    manifest: bytes
    manifest_hash: str


async def complete(pool: database.Pool, completions: Sequence[Completion]) -> list[bool]:
    """Complete exports; False for each whose token was stale, and which was left unchanged.

    Harmless to repeat. If the commit went through before the connection was lost, the token is
    spent and the second answer is "stale": the export is complete, and nobody completes it twice.
    """
    rows = await database.call(
        pool,
        queries.load("complete"),
        {
            "ids": [item.claim.export.export_id for item in completions],
            "tokens": [item.claim.token for item in completions],
            "storage_paths": [item.stored.path for item in completions],
            "object_sha256s": [item.stored.sha256 for item in completions],
            "object_sizes": [item.stored.size for item in completions],
            "manifests": [item.manifest.decode() for item in completions],
            "manifest_hashes": [item.manifest_hash for item in completions],
        },
    )
    completed = {row["id"] for row in rows}
    return [item.claim.export.export_id in completed for item in completions]
