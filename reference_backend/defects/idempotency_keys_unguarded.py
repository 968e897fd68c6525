"""A table that was added later is missing in the list of tables with row security."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Idempotency keys and their answers are readable across organizations",
    source="P10: one production backend",
    expected=("tenancy.row-security", "tenancy.direct-sql"),
    edits=(
        Edit(
            file="migrations/0003_row_security.sql",
            old="ARRAY['jobs', 'evidence', 'exports', 'audit_logs', 'idempotency_keys']",
            new="ARRAY['jobs', 'evidence', 'exports', 'audit_logs']",
        ),
    ),
)
