"""Retry checks that the export has failed, and then queues it whatever its state is by then."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Retry checks the state before it writes: concurrent retries each queue and log the export",
    source="I1, Q1: check, then act; solid_queue #589 (both recorded)",
    expected=("instances.no-duplicates",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""BEGIN
    BEGIN
        UPDATE exports AS e
        SET state = 'queued',""",
            new="""BEGIN
    PERFORM FROM exports AS e WHERE e.id = p_export_id AND e.state = 'failed';
    IF NOT FOUND THEN
        RETURN (SELECT false FROM exports AS e
                WHERE e.id = p_export_id AND e.organization_id = request_organization_id());
    END IF;
    BEGIN
        UPDATE exports AS e
        SET state = 'queued',""",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="WHERE e.id = p_export_id AND e.organization_id = request_organization_id() AND e.state = 'failed'\n",
            new="WHERE e.id = p_export_id AND e.organization_id = request_organization_id()\n",
        ),
    ),
)
