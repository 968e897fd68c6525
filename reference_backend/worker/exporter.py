"""Working on one export, from its claim to its completion."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from reference_backend import archive, database, failpoints, queries
from reference_backend.archive import EvidenceCorruptError
from reference_backend.manifest import document
from reference_backend.manifest.jcs import NotCanonicalError
from reference_backend.storage.interface import ObjectMissing, Storage, StoredObject
from reference_backend.worker.completion import Completion
from reference_backend.worker.inputs import Inputs, LedgerGapError
from reference_backend.worker.running import Claim, RunningExport

logger = logging.getLogger(__name__)

# What no further attempt would change, with the error_code that the client sees.
HOPELESS: dict[type[Exception], str] = {
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

    async def work(self, job: RunningExport) -> bool:
        """Bring one claimed export to its end; False when it was taken away on the way.

        An error that another attempt may not meet is raised, and the export is left to recovery.
        """
        await failpoints.reach("after_claim")
        try:
            stored, manifest = await self._store(job)
        except tuple(HOPELESS) as error:
            return await self._fail(job.claim, HOPELESS[type(error)], str(error))
        await failpoints.reach("after_store")
        await failpoints.reach("before_commit")
        job.settling = True
        completed = await self._complete(
            Completion(
                claim=job.claim,
                stored=stored,
                manifest=manifest,
                manifest_hash=document.digest(manifest),
            )
        )
        await failpoints.reach("after_commit")
        return completed

    async def _store(self, job: RunningExport) -> tuple[StoredObject, bytes]:
        export = job.claim.export
        inputs = await self._read_inputs(job.claim)
        await failpoints.reach("while_working")
        async with self._storage.stage() as staged:
            manifest = await staged.fill(
                lambda target: archive.write(
                    target,
                    export,
                    inputs.evidence,
                    inputs.ledger_lines,
                    self._storage.open,
                    job.report_progress,
                )
            )
            await failpoints.reach("before_store")
            # The path holds the digest: whoever comes late can only write what is there already.
            path = f"exports/{export.organization_id}/{export.export_id}.{staged.sha256}.zip"
            return await staged.publish(path), manifest

    async def _fail(self, claim: Claim, error_code: str, message: str) -> bool:
        logger.error("%s cannot be made: %s: %s", claim, error_code, message)
        rows = await database.call(
            self._pool,
            queries.load("fail"),
            {
                "id": claim.export.export_id,
                "token": claim.token,
                "error_code": error_code,
                "error_message": message,
            },
        )
        return bool(rows[0]["failed"])
