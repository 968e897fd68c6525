"""Appends read the head of the chain concurrently, and no constraint forbids two successors."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Ledger appends are not serialized: the chain forks",
    source="P4, H8: 204 of 566 parents forked; breeze #1002, agent-bom #4185, Containarium #1326",
    expected=("hash.no-fork", "hash.database-parity"),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="    PERFORM pg_advisory_xact_lock(hashtextextended('ledger:' || p_organization_id, 0));\n",
            new="",
        ),
        Edit(
            file="migrations/0002_tables.sql",
            old="PRIMARY KEY (organization_id, ledger_seq)",
            new="PRIMARY KEY (id)",
        ),
    ),
)
