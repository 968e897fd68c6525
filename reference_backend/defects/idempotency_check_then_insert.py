"""Looks for the key, finds none, and inserts: concurrent requests all do the same."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit, _helpers

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
    patch=_helpers.hold_no_keys,
)
