"""Removing what killed processes left in the storage. Every worker does it.

A writer holds a lock on its file until its record is committed. A file without a lock is either an
object with a record, or litter: a temporary file, or an object whose writer was killed between
publishing it and committing its record.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from reference_backend import database
from reference_backend.storage.directory import Storage

BATCH = 500

logger = logging.getLogger(__name__)


async def remove(pool: database.Pool, storage: Storage, *, older_than_s: float) -> None:
    """Remove what is older than this. Raises StorageUnavailable and DatabaseUnavailable."""
    removed = await storage.remove_orphans(older_than_s=older_than_s)
    paths = await storage.recent(older_than_s=older_than_s)
    for start in range(0, len(paths), BATCH):
        for path in await _unrecorded(pool, paths[start : start + BATCH]):
            removed += await _remove_unrecorded(pool, storage, path)
    if removed:
        logger.warning("removed %d unfinished objects of dead writers", removed)


async def _unrecorded(pool: database.Pool, paths: Sequence[str]) -> list[str]:
    """Those without a record, as a first and cheap look."""
    recorded = {
        row["storage_path"]
        for row in await database.call(pool, "recorded_objects", **_paths_and_ids(paths))
    }
    return [path for path in paths if path not in recorded]


async def _remove_unrecorded(pool: database.Pool, storage: Storage, path: str) -> bool:
    async with storage.without_writer(path) as is_free:
        if not is_free:
            return False
        # The row lock keeps a retry from starting, and with it an attempt that writes this object.
        async with database.worker_transaction(pool) as connection:
            live = await database.fetch_one(connection, "lock_export_of_object", id=_id_in(path))
            if live is not None and live["may_be_written"]:
                return False
            if await database.fetch_all(connection, "recorded_objects", **_paths_and_ids([path])):
                return False
            await storage.delete(path)
    return True


def _paths_and_ids(paths: Sequence[str]) -> dict[str, Any]:
    return {"paths": list(paths), "ids": [found for found in map(_id_in, paths) if found]}


def _id_in(path: str) -> UUID | None:
    """The id of the evidence or export in a generated path; None where there is none."""
    try:
        return UUID(PurePosixPath(path).name.partition(".")[0])
    except ValueError:
        return None
