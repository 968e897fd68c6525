"""An exception was made once, to correct a row, and was never removed."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The service role may update the ledger",
    source="known: an exception in the trigger, made for one ticket",
    expected=("hash.immutable",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="""BEGIN
    RAISE insufficient_privilege USING
        MESSAGE = format('the ledger""",
            new="""BEGIN
    IF current_user = 'service_role' AND TG_OP = 'UPDATE' THEN
        RETURN NULL;
    END IF;
    RAISE insufficient_privilege USING
        MESSAGE = format('the ledger""",
        ),
    ),
    sql="""
GRANT UPDATE ON audit_logs TO service_role;
GRANT EXECUTE ON FUNCTION refuse_ledger_change() TO service_role;
""",
)
