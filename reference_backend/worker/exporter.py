"""Working on one export, from its claim to its completion."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from reference_backend import archive, database, failpoints
from reference_backend.archive import EvidenceCorruptError
from reference_backend.manifest import document
from reference_backend.manifest.jcs import NotCanonicalError
from reference_backend.storage.directory import StagedObject, Storage
from reference_backend.storage.objects import ObjectMissing, StoredObject
from reference_backend.worker.completion import Completion
from reference_backend.worker.inputs import Inputs, LedgerGapError
from reference_backend.worker.running import Claim, RunningExport

ANNOUNCED_WITHIN_S = 1.0

logger = logging.getLogger(__name__)

# Another attempt would fail again; with the error_code that the client sees.
PERMANENT: dict[type[Exception], str] = {
    EvidenceCorruptError: "evidence_corrupt",
    ObjectMissing: "evidence_missing",
    LedgerGapError: "ledger_incomplete",
    NotCanonicalError: "manifest_not_canonical",
}


class Exporter:
    """Makes the archive of an export, stores it and completes the export."""

    def __init__(
        self,
        pool: database.Pool,
        storage: Storage,
        read_inputs: Callable[[Claim], Awaitable[Inputs]],
        complete: Callable[[Completion], Awaitable[bool]],
    ) -> None:
        self._pool = pool
        self._storage = storage
        self._read_inputs = read_inputs
        self._complete = complete

    async def work(self, export: RunningExport) -> bool:
        """Complete or fail one claimed export; False if its token was stale by then.

        An error that another attempt may not meet is raised, and the export is left to recovery.
        """
        await failpoints.reach("after_claim")
        try:
            return await self._store_and_complete(export)
        except tuple(PERMANENT) as error:
            return await self._fail(export.claim, PERMANENT[type(error)], str(error))

    async def announce_free_place(self) -> None:
        """Wake other workers: an export has ended whose place this one does not fill again."""
        with suppress(database.DatabaseUnavailable):  # then they poll
            await database.call(self._pool, "place_free", timeout_s=ANNOUNCED_WITHIN_S)

    async def _store_and_complete(self, export: RunningExport) -> bool:
        claim = export.claim
        inputs = await self._read_inputs(claim)
        await failpoints.reach("while_working")
        async with self._storage.stage() as staged:
            stored, manifest = await self._store(export, inputs, staged)
            await failpoints.reach("after_store")
            await failpoints.reach("before_commit")
            export.completing = True
            digest = document.digest(manifest)
            completed = await self._complete(
                Completion(claim=claim, stored=stored, manifest=manifest, manifest_hash=digest)
            )
        await failpoints.reach("after_commit")
        return completed

    async def _store(
        self, export: RunningExport, inputs: Inputs, staged: StagedObject
    ) -> tuple[StoredObject, bytes]:
        claim = export.claim
        manifest = await staged.fill(
            lambda target: archive.write(
                target,
                claim,
                inputs.evidence,
                inputs.ledger_lines,
                self._storage.open,
                export.report_progress,
            )
        )
        await failpoints.reach("before_store")
        # The path contains the digest: a late attempt can only write the same bytes again.
        path = f"exports/{claim.organization_id}/{claim.id}.{staged.sha256}.zip"
        return await staged.publish(path), manifest

    async def _fail(self, claim: Claim, error_code: str, message: str) -> bool:
        logger.error("%s cannot be made: %s: %s", claim, error_code, message)
        rows = await database.call(
            self._pool,
            "fail",
            id=claim.id,
            token=claim.claim_token,
            error_code=error_code,
            error_message=message,
        )
        return bool(rows[0]["failed"])
