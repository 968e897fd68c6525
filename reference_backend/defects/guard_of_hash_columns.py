"""Only the columns that make the chain are guarded: who changes another one breaks a hash, so why bother?"""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="UPDATE of the ledger is refused for hash and prev_hash only: what they are about may change",
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
