"""Completing exports: whatever is finished while one commit is under way goes into the next one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from reference_backend import database, queries
from reference_backend.storage.interface import StoredObject
from reference_backend.worker.held import Claim
from reference_backend.worker.periodic import Backoff, complain

BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The result of an export: what was stored, and what its manifest says."""

    claim: Claim
    stored: StoredObject
    manifest: bytes
    manifest_hash: str


class Completer:
    """Sends completions in batches of whatever has come together."""

    def __init__(self, pool: database.Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Completion, asyncio.Future[bool]]] = []
        self._called = asyncio.Event()

    async def complete(self, completion: Completion) -> bool:
        """Complete one export; False when its token was stale and nothing was changed.

        Waits for a database that is away. Raises psycopg.Error when the database refuses it.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((completion, future))
        self._called.set()
        return await future

    async def run(self) -> None:
        """Send completions, for ever."""
        while True:
            await self._called.wait()
            self._called.clear()
            while self._waiting:
                batch = self._waiting[:BATCH]
                del self._waiting[:BATCH]
                await self._settle([item for item in batch if not item[1].done()])

    async def _settle(self, batch: list[tuple[Completion, asyncio.Future[bool]]]) -> None:
        try:
            completed = await self._send([completion for completion, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                _resolve(batch[0][1], error)
                return
            for item in batch:  # one that the database refuses must not take the others with it
                await self._settle([item])
            return
        for completion, future in batch:
            _resolve(future, completion.claim.export.export_id in completed)

    async def _send(self, batch: list[Completion]) -> set[object]:
        parameters = {
            "ids": [item.claim.export.export_id for item in batch],
            "tokens": [item.claim.token for item in batch],
            "storage_paths": [item.stored.path for item in batch],
            "object_sha256s": [item.stored.sha256 for item in batch],
            "object_sizes": [item.stored.size for item in batch],
            "manifests": [item.manifest.decode() for item in batch],
            "manifest_hashes": [item.manifest_hash for item in batch],
        }
        backoff = Backoff()
        while True:
            try:
                rows = await database.call(self._pool, queries.load("complete"), parameters)
            except database.DatabaseUnavailable as error:
                # If the commit went through before the connection was lost, the token is spent and
                # the next answer is "stale": the export is complete, and nobody completes it twice.
                complain("completing exports", error)
                await backoff.pause()
            else:
                return {row["id"] for row in rows}


def _resolve(future: asyncio.Future[bool], outcome: bool | Exception) -> None:
    if future.done():  # its job was stopped in the meantime
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
