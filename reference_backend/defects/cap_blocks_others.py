"""The claim looks only at the front of the queue, which one organization can fill."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An organization at its cap with a long backlog blocks all others",
    source="known: LIMIT before the filter",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="    GET DIAGNOSTICS v_found = ROW_COUNT;\n    IF v_found >= p_limit THEN\n        RETURN;\n    END IF;\n",
            new="    RETURN;\n",
        ),
    ),
)
