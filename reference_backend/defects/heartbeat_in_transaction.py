"""Heartbeats are written in a transaction that is committed now and then, to save commits."""

import time

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import heartbeat
from reference_backend.worker.running import RunningExports, ids_and_tokens

COMMIT_EVERY_S = 5.0

_open: list[tuple[database.Connection, float]] = []


async def _beat(settings: Settings, pool: database.Pool, running: RunningExports) -> None:
    del pool
    if not _open:
        connection = await database.connect(settings, role="service_role")
        await connection.execute("BEGIN")
        _open.append((connection, time.monotonic()))
    connection, since = _open[0]
    exports = list(running.values())
    rows = await database.fetch_all(
        connection,
        "heartbeat",
        worker=settings.worker_name,
        instance=running.instance,
        **ids_and_tokens(export.claim for export in exports),
        progress=[export.progress for export in exports],
    )
    if not exports or time.monotonic() - since > COMMIT_EVERY_S:
        _open.clear()
        await connection.execute("COMMIT")
        await connection.close()
    held = {row["token"] for row in rows}
    for export in exports:
        if export.claim.claim_token not in held and not export.completing:
            running.remove(export)
            export.stop()


def _patch() -> None:
    heartbeat.beat = _beat


DEFECT = Defect(
    title="Heartbeats are written inside a long transaction: no other worker sees them, nor can recover what it has locked",
    source="known: a heartbeat on the session of the work, whose commit comes at the end",
    expected=("chaos.heartbeat-holds",),
    patch=_patch,
)
