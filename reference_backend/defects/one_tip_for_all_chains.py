"""The head of the chain is kept in a table with one row, to save a query."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The head of the chain is kept once for all organizations: events link to other tenants' events",
    source="L10, H8: a cache without the organization in its key",
    expected=("hash.chain",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="""    v_event.hash := ledger_hash(""",
            new="""    UPDATE ledger_tip AS t SET hash = t.hash RETURNING t.hash INTO v_event.prev_hash;
    v_event.hash := ledger_hash(""",
        ),
        Edit(
            file="migrations/0004_ledger.sql",
            old="    INSERT INTO audit_logs SELECT v_event.*;",
            new="    UPDATE ledger_tip SET hash = v_event.hash;\n    INSERT INTO audit_logs SELECT v_event.*;",
        ),
    ),
    sql="""
CREATE TABLE ledger_tip (hash text);
INSERT INTO ledger_tip VALUES (NULL);
""",
)
