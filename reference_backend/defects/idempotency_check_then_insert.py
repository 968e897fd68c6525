"""Looks for the key, finds none, and inserts: concurrent requests all do the same."""

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
    title="Idempotency is a SELECT and then an INSERT, without a unique key",
    source="I1: idempot-js #181, caura #814, oban #1087",
    expected=("idempotency.concurrent-same-key",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="    PRIMARY KEY (organization_id, route, key)\n",
            new="    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY\n",
        ),
        Edit(
            file="queries/api/reserve_idempotency_key.sql",
            old="""VALUES (request_organization_id(), %(route)s, %(key)s, %(fingerprint)s)
ON CONFLICT (organization_id, route, key) DO NOTHING""",
            new="""SELECT request_organization_id(), %(route)s, %(key)s, %(fingerprint)s
WHERE NOT EXISTS (SELECT FROM idempotency_keys AS k
                  WHERE k.organization_id = request_organization_id() AND k.route = %(route)s AND k.key = %(key)s)""",
        ),
    ),
    patch=_patch,
)
