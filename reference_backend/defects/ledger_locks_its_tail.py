"""Appends lock the last event instead of an advisory lock: after waiting, they continue from a stale tail."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Appends lock the last row of the chain: an append that waited for it forks the chain",
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
