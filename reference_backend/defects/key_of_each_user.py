"""A key belongs to the user who sent it: a colleague who repeats the request makes a second effect."""

from reference_backend.defects import Defect, Edit

_OWN_KEY = "key = request_actor_id() || ' ' || %(key)s"

DEFECT = Defect(
    title="Idempotency keys are per user: two users of an organization repeat the same effect",
    source="I3, scoped too narrowly: the user id is what middleware has at hand",
    expected=("idempotency.scoped-to-org",),
    edits=(
        Edit(
            file="queries/api/reserve_idempotency_key.sql",
            old="%(route)s, %(key)s, %(fingerprint)s",
            new="%(route)s, request_actor_id() || ' ' || %(key)s, %(fingerprint)s",
        ),
        Edit(
            file="queries/api/find_idempotent_answer.sql",
            old="key = %(key)s",
            new=_OWN_KEY,
        ),
        Edit(
            file="queries/api/record_idempotent_answer.sql",
            old="key = %(key)s",
            new=_OWN_KEY,
        ),
    ),
)
