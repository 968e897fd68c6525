"""A worker that dies after it has stored an export, and what the next one makes of it."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Collection, Mapping

from contracts.shared.resources.stored_objects import StoredObjects
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Capability, Target

STORED_WITHIN_S = 15.0
LONGEST_TIMEOUT_S = 5.0
"""A target whose exports count as stuck later than that is not waited for."""

FAILPOINT = "after_store"


def can_crash_after_store(target: Target) -> bool:
    """Say whether a worker can be stopped there and killed, and is replaced soon enough."""
    needed = {Capability.FAILPOINTS, Capability.KILL}
    return (
        needed <= target.capabilities()
        and target.failpoints is not None
        and FAILPOINT in target.failpoints.names
        and target.worker is not None
        and target.worker.stuck_timeout_s <= LONGEST_TIMEOUT_S
    )


async def crash_after_store(
    own: OwnSystem, target: Target, objects: StoredObjects, export_ids: Collection[str]
) -> Mapping[str, bytes]:
    """Let a worker store these exports and die before any of them is ready; give what it stored."""
    assert target.failpoints is not None
    standing = target.failpoints.environment({FAILPOINT: "sleep:60"})
    worker = await own.system.start("worker", standing)
    until = time.monotonic() + STORED_WITHIN_S
    while not (stored := archives_in(objects)).keys() >= set(export_ids):
        if time.monotonic() > until:
            raise Inconclusive(
                f"no worker stored the exports {sorted(export_ids)} within {STORED_WITHIN_S:g} s "
                f"and stood at the failpoint {FAILPOINT}; in the storage are {sorted(stored)}"
            )
        await asyncio.sleep(0.05)
    await own.system.kill(worker)
    return stored


def archives_in(objects: StoredObjects) -> dict[str, bytes]:
    """Give every whole export that lies in the storage, by the id in its manifest."""
    found = {}
    for content in objects.contents():
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                found[str(json.loads(archive.read("manifest.json"))["export_id"])] = content
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
            continue  # evidence, or something that is still being written
    return found
