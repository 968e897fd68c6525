"""Retry queues the export again and writes no event."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A retry writes no export.requested event: the ledger does not show who asked",
    source="H11: state and ledger written in different places, one of them forgotten",
    expected=("golden.export-download",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""    PERFORM ledger_append(v_export.organization_id, 'export.requested', 'export', v_export.id, jsonb_build_object(
        'job_id', v_export.job_id, 'export_type', v_export.export_type, 'filters', v_export.filters,
        'retry_after_attempt', v_export.attempt));
""",
            new="",
        ),
    ),
)
