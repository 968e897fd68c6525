"""NOTIFY on a connection of its own, so that it does not hold up the commit of the request."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from reference_backend.api import exports
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.database import Connection
from reference_backend.defects import Defect

_queue = exports._queue  # noqa: SLF001


async def _queue_and_notify(
    connection: Connection, job_id: UUID, export_type: str, filters: Mapping[str, Any]
) -> RecordedAnswer:
    answer = await _queue(connection, job_id, export_type, filters)
    info = connection.info
    async with await AsyncConnection.connect(
        info.dsn, password=info.password, autocommit=True
    ) as telling:
        await telling.execute("NOTIFY exports_queued")
    return answer


def _patch() -> None:
    exports._queue = _queue_and_notify  # noqa: SLF001


DEFECT = Defect(
    title="A request notifies outside of its transaction: the worker looks before the export is committed",
    source="Q3: a lock of NOTIFY at commit, avoided in the wrong way",
    expected=("chaos.wake-up",),
    sql="DROP TRIGGER notify_exports_queued ON exports",
    patch=_patch,
)
