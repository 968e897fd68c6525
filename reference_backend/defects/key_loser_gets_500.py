"""The unique key exists, but no code handles its violation."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit, _helpers

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
    patch=_helpers.hold_no_keys,
)
