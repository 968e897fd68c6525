"""The key is unique over all tenants."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An Idempotency-Key is unique over all organizations: the second organization gets a 500",
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
