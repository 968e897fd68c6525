"""A table that came later is missing in the list of those that row security is enabled on."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The idempotency keys, with their answers, are readable across organisations",
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
