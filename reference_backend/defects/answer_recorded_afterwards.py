"""A key is reserved with what it did, and its answer recorded after the commit; one without an answer is begun anew."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from aiohttp import web

from reference_backend.api import exports, idempotency, uploads
from reference_backend.api.context import transaction
from reference_backend.api.idempotency import IdempotencyKey, RecordedAnswer
from reference_backend.database import Connection, fetch_one
from reference_backend.defects import Defect

_later: WeakKeyDictionary[Connection, tuple[IdempotencyKey, RecordedAnswer]] = WeakKeyDictionary()


async def _once(
    connection: Connection,
    key: IdempotencyKey | None,
    make: Callable[[], Awaitable[RecordedAnswer]],
) -> RecordedAnswer:
    if key is None:
        return await make()
    if not await idempotency.reserve(connection, key):
        replayed = await idempotency.replay(connection, key)
        if replayed is not None:
            return replayed
    answer = await make()
    _later[connection] = key, answer
    return answer


async def _replay(connection: Connection, key: IdempotencyKey) -> RecordedAnswer | None:
    row = await fetch_one(connection, "api/find_idempotent_answer", route=key.route, key=key.key)
    is_unanswered = (
        row is not None and row["fingerprint"] == key.fingerprint and row["response"] is None
    )
    return None if is_unanswered else await _clean_replay(connection, key)


_clean_replay = idempotency.replay


@asynccontextmanager
async def _transaction(request: web.Request) -> AsyncIterator[Connection]:
    async with transaction(request) as connection:
        yield connection
    answered = _later.pop(connection, None)
    if answered is not None:
        async with transaction(request) as connection:
            await idempotency.record(connection, *answered)


def _patch() -> None:
    idempotency.once = _once
    idempotency.replay = _replay
    vars(exports)["transaction"] = vars(uploads)["transaction"] = _transaction


DEFECT = Defect(
    title="The answer of a key is recorded after the commit of what it did: a crash in between, and the retry does it again",
    source="known: idempotency middleware with the states 'started' and 'finished', whose 'started' rows are tried again",
    expected=("chaos.half-written",),
    patch=_patch,
)
