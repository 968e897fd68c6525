"""A worker that is killed after it has stored exports, before they are ready."""

import io
import json
import zipfile
from collections.abc import Collection, Mapping

from contracts.shared.resources.stored_objects import StoredObjects
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Capability, Target
from harness.untrusted.spelling import usual_spelling
from harness.waiting import wait_until

STORED_WITHIN_S = 15.0
LONGEST_TIMEOUT_S = 5.0
"""The longest stuck timeout that is waited for."""

FAILPOINT = "after_store"


def can_crash_after_store(target: Target) -> bool:
    """Whether a worker can be stopped and killed there, and recovery follows soon enough."""
    return (
        {Capability.FAILPOINTS, Capability.KILL} <= target.capabilities()
        and target.failpoints is not None
        and FAILPOINT in target.failpoints.names
        and target.worker is not None
        and target.worker.stuck_timeout_s <= LONGEST_TIMEOUT_S
    )


async def crash_after_store(
    own: OwnSystem, target: Target, objects: StoredObjects, export_ids: Collection[str]
) -> Mapping[str, bytes]:
    """Let a worker store these exports and kill it before one is ready; return what it stored."""
    assert target.failpoints is not None
    worker = await own.system.start(
        "worker", target.failpoints.environment({FAILPOINT: "sleep:60"})
    )

    def stored() -> dict[str, bytes] | None:
        found = archives_in(objects)
        return found if found.keys() >= set(export_ids) else None

    archives = await wait_until(
        stored,
        STORED_WITHIN_S,
        f"a worker to store the exports {sorted(export_ids)} and stop at the failpoint {FAILPOINT}",
        poll_s=0.05,
        error=Inconclusive,
    )
    await own.system.kill(worker)
    assert archives is not None
    return archives


def archives_in(objects: StoredObjects) -> dict[str, bytes]:
    """Every complete export in the storage, by the id in its manifest."""
    found = {}
    for content in objects.contents():
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                manifest = json.loads(archive.read("manifest.json"))
                found[usual_spelling(str(manifest["export_id"]))] = content
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
            continue  # evidence, or a file that is still being written
    return found
