"""Failing an export checks its id and state, not the claim."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Failing an export is not fenced: a stale failure ends an export that another worker works on",
    source="R1: procrastinate let a stale FAILED through while another worker owned the job",
    expected=("claim.interleavings",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="WHERE e.id = p_id AND e.claim_token = p_token AND e.state = 'preparing'",
            new="WHERE e.id = p_id AND e.state = 'preparing'",
        ),
    ),
)
