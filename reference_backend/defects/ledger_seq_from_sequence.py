"""The number of an event comes from a sequence."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="ledger_seq comes from one sequence for all organizations: every chain has gaps",
    source="known: sequences are shared, and give numbers to what is rolled back",
    expected=("hash.chain",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="v_event.ledger_seq := COALESCE(v_event.ledger_seq, 0) + 1;",
            new="v_event.ledger_seq := nextval('public.ledger_numbers');",
        ),
    ),
    sql="CREATE SEQUENCE ledger_numbers;",
)
