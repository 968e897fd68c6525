"""Working on one export, from its claim to its completion."""

from __future__ import annotations

import asyncio
import logging

from reference_backend import archive, database, failpoints, queries
from reference_backend.archive import EvidenceCorruptError
from reference_backend.ledger import verify as ledger
from reference_backend.manifest import document, facts
from reference_backend.manifest.jcs import NotCanonicalError
from reference_backend.storage.interface import ObjectMissing, Storage, StoredObject
from reference_backend.worker.completion import Completer, Completion
from reference_backend.worker.held import Claim, HeldJob

logger = logging.getLogger(__name__)

# What no further attempt would change, with the error_code that the client sees.
HOPELESS: dict[type[Exception], str] = {
    EvidenceCorruptError: "evidence_corrupt",
    ObjectMissing: "evidence_missing",
    NotCanonicalError: "manifest_not_canonical",
}


class Exporter:
    """Makes the archive of an export, stores it and completes the export."""

    def __init__(self, pool: database.Pool, storage: Storage, completer: Completer) -> None:
        self._pool = pool
        self._storage = storage
        self._completer = completer

    async def work(self, job: HeldJob) -> bool:
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
        completed = await self._completer.complete(
            Completion(
                claim=job.claim,
                stored=stored,
                manifest=manifest,
                manifest_hash=document.digest(manifest),
            )
        )
        await failpoints.reach("after_commit")
        return completed

    async def _store(self, job: HeldJob) -> tuple[StoredObject, bytes]:
        export = job.claim.export
        async with database.worker_transaction(self._pool) as connection:
            evidence = await facts.read_evidence(connection, export, job.claim.export_type)
            ledger_json = await _ledger_json(connection, job.claim)
        await failpoints.reach("while_working")
        async with self._storage.stage() as staged:
            manifest = await asyncio.to_thread(
                archive.write,
                staged.file,
                export,
                evidence,
                ledger_json,
                self._storage.open,
                job.report_progress,
            )
            await staged.measure()
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


async def _ledger_json(connection: database.Connection, claim: Claim) -> bytes:
    """The organisation's chain up to the export's ledger head: a JSON array, one event a line."""
    export = claim.export
    lines = [
        event.as_json()
        async for batch in ledger.read_chain(
            connection, export.organization_id, export.ledger_head_seq
        )
        for event in batch
    ]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()
