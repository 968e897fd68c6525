"""Recorded answers are kept in a dictionary."""

from reference_backend.api import idempotency
from reference_backend.api.idempotency import IdempotencyKey, RecordedAnswer
from reference_backend.api.problems import Problem
from reference_backend.database import Connection
from reference_backend.defects import Defect

_known: dict[tuple[object, str, str], tuple[str, RecordedAnswer]] = {}


async def _name(connection: Connection, key: IdempotencyKey) -> tuple[object, str, str]:
    cursor = await connection.execute("SELECT request_organization_id() AS id")
    row = await cursor.fetchone()
    return (row and row["id"], key.route, key.key)


async def _reserve(connection: Connection, key: IdempotencyKey) -> bool:
    return await _name(connection, key) not in _known


async def _record(connection: Connection, key: IdempotencyKey, answer: RecordedAnswer) -> None:
    _known[await _name(connection, key)] = (key.fingerprint, answer)


async def _replay(connection: Connection, key: IdempotencyKey) -> RecordedAnswer | None:
    known = _known.get(await _name(connection, key))
    if known is None:
        return None
    fingerprint, answer = known
    if fingerprint != key.fingerprint:
        raise Problem("idempotency_key_reused", "This Idempotency-Key was used already.")
    return RecordedAnswer(
        status=answer.status,
        body=answer.body,
        headers={**answer.headers, "X-Idempotency-Replayed": "true"},
        resource_id=answer.resource_id,
    )


def _patch() -> None:
    idempotency.reserve = _reserve
    idempotency.record = _record
    idempotency.replay = _replay


DEFECT = Defect(
    title="Idempotency keys are in the memory of one process: other instances and the next start do not know them",
    source="known: the in-memory store that every idempotency middleware begins with",
    expected=("idempotency.across-instances", "idempotency.concurrent-same-key"),
    patch=_patch,
)
