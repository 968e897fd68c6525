"""The unique key exists, but no code handles its violation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.defects import Defect, Edit


@asynccontextmanager
async def _hold(
    self: KeysInFlight, organization_id: UUID, route: str, key: str
) -> AsyncIterator[None]:
    yield


def _patch() -> None:
    KeysInFlight.hold = _hold  # type: ignore[method-assign]


DEFECT = Defect(
    title="Of two concurrent requests with one key, the slower one gets a 500",
    source="I2: idempot-js #181, #186 (23505 is not handled)",
    expected=("idempotency.concurrent-same-key",),
    edits=(
        Edit(
            file="queries/api/reserve_idempotency_key.sql",
            old="ON CONFLICT (organization_id, route, key) DO NOTHING\n",
            new="",
        ),
    ),
    patch=_patch,
)
