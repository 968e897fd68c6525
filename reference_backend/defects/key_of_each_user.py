"""A key belongs to who sent it: a colleague who repeats the request starts anew."""

from reference_backend.defects import Defect, Edit

_OWN_KEY = "key = request_actor_id() || ' ' || %(key)s"

DEFECT = Defect(
    title="Idempotency keys are kept per user, so two users of an organisation do the same thing twice",
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
