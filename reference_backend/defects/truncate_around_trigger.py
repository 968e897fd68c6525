"""The trigger covers UPDATE and DELETE but not TRUNCATE."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="TRUNCATE bypasses the trigger that refuses UPDATE and DELETE",
    source="P9",
    expected=("hash.immutable",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs",
            new="BEFORE UPDATE OR DELETE ON audit_logs",
        ),
    ),
)
