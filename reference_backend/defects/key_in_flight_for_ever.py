"""A row marks a key as in flight; the request that inserted it deletes it, if its process survives."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A key in flight is a committed row: after a crash the upload gets 409 forever",
    source="R21, T5 turned to keys: pgqueuer #475 (a claimed row is left behind)",
    expected=("idempotency.across-instances",),
    edits=(
        Edit(
            file="queries/api/lock_idempotency_key.sql",
            old="SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0)) AS held",
            new="""WITH mine AS (
    INSERT INTO keys_in_flight (name) VALUES (%(name)s) ON CONFLICT DO NOTHING RETURNING name
)
SELECT EXISTS (SELECT FROM mine) AS held""",
        ),
        Edit(
            file="queries/api/unlock_idempotency_key.sql",
            old="SELECT pg_advisory_unlock(hashtextextended(%(name)s, 0))",
            new="DELETE FROM keys_in_flight WHERE name = %(name)s",
        ),
    ),
    sql="""
CREATE TABLE keys_in_flight (name text PRIMARY KEY);
GRANT SELECT, INSERT, DELETE ON keys_in_flight TO authenticated;
""",
)
