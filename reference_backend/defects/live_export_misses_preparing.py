"""The state `preparing` was added later, and the unique index was not changed."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The unique index of live exports covers only queued ones: an export in progress is started twice",
    source="I8: oban #1416",
    expected=("instances.no-duplicates",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="exports_live ON exports (job_id, export_type) WHERE state IN ('queued', 'preparing')",
            new="exports_live ON exports (job_id, export_type) WHERE state = 'queued'",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="ON CONFLICT (job_id, export_type) WHERE state IN ('queued', 'preparing') DO NOTHING",
            new="ON CONFLICT (job_id, export_type) WHERE state = 'queued' DO NOTHING",
        ),
    ),
)
