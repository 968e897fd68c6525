"""Completing exports, several in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reference_backend import database
from reference_backend.storage.objects import StoredObject
from reference_backend.worker.running import Claim, ids_and_tokens


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The result of an export: the stored archive and its manifest."""

    claim: Claim
    stored: StoredObject
    manifest: bytes
    manifest_hash: str


async def complete(pool: database.Pool, completions: Sequence[Completion]) -> list[bool]:
    """Complete exports; False for each whose token was stale and which was left unchanged.

    It can be repeated. If the commit succeeded before the connection was lost, the token is used
    up and the second answer is "stale": the export is complete and is not completed twice.
    """
    rows = await database.call(
        pool,
        "complete",
        **ids_and_tokens(item.claim for item in completions),
        storage_paths=[item.stored.path for item in completions],
        object_sha256s=[item.stored.sha256 for item in completions],
        object_sizes=[item.stored.size for item in completions],
        manifests=[item.manifest.decode() for item in completions],
        manifest_hashes=[item.manifest_hash for item in completions],
    )
    completed = {row["id"] for row in rows}
    return [item.claim.id in completed for item in completions]
