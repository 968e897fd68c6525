"""The trigger guards only the columns of the chain."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="UPDATE of the ledger is refused for hash and prev_hash only: other columns can change",
    source="known: UPDATE OF in a trigger that was to be cheap",
    expected=("hash.immutable",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs",
            new="BEFORE UPDATE OF hash, prev_hash OR DELETE OR TRUNCATE ON audit_logs",
        ),
    ),
)
