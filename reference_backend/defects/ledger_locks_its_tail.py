"""Appends lock the last event instead of taking turns: who waited goes on with the tail that he saw."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Appends lock the chain's tail row: whoever waited for it forks from it",
    source="H8: breeze #1002, agent-bom #4753, Containarium #1326",
    expected=("hash.no-fork",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="    PERFORM pg_advisory_xact_lock(hashtextextended('ledger:' || p_organization_id, 0));\n",
            new="",
        ),
        Edit(
            file="migrations/0004_ledger.sql",
            old="    ORDER BY head.ledger_seq DESC\n    LIMIT 1;",
            new="    ORDER BY head.ledger_seq DESC\n    LIMIT 1 FOR UPDATE;",
        ),
        Edit(
            file="migrations/0002_tables.sql",
            old="PRIMARY KEY (organization_id, ledger_seq)",
            new="PRIMARY KEY (id)",
        ),
    ),
)
