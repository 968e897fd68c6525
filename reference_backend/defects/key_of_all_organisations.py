"""The key is unique, and that is all that was asked of it: nobody thought of other tenants' keys."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An Idempotency-Key is unique over all organisations: who comes second gets a 500",
    source="I3: jfv.9 (qmd #239), UNIQUE (key)",
    expected=("idempotency.scoped-to-org",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="    PRIMARY KEY (organization_id, route, key)\n",
            new="    PRIMARY KEY (route, key)\n",
        ),
        Edit(
            file="queries/api/reserve_idempotency_key.sql",
            old="ON CONFLICT (organization_id, route, key)",
            new="ON CONFLICT (route, key)",
        ),
    ),
)
