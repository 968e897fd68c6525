"""A SELECT looks for a live export; there is no unique index."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="One live export per job and type is a SELECT and then an INSERT: concurrent requests create several",
    source="I8, U5: oban #1416, renfield #396",
    expected=("instances.no-duplicates",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="CREATE UNIQUE INDEX exports_live",
            new="CREATE INDEX exports_live",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="""        VALUES (p_id, v_organization_id, p_job_id, p_export_type, p_filters, request_actor_id())
        ON CONFLICT (job_id, export_type) WHERE state IN ('queued', 'preparing') DO NOTHING""",
            new="""        SELECT p_id, v_organization_id, p_job_id, p_export_type, p_filters, request_actor_id()
        WHERE NOT EXISTS (SELECT FROM exports AS live
                          WHERE live.job_id = p_job_id AND live.export_type = p_export_type
                            AND live.state IN ('queued', 'preparing'))""",
        ),
    ),
)
