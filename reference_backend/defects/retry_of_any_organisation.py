"""The retry was copied from the operators' script, which knows no organisations."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A stranger's retry queues a failed export of another organisation, and answers 404",
    source="L5, L7 family: a SECURITY DEFINER function without the tenant",
    expected=("tenancy.export-states",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""        WHERE e.id = p_export_id AND e.organization_id = request_organization_id() AND e.state = 'failed'
        RETURNING * INTO v_export;""",
            new="""        WHERE e.id = p_export_id AND e.state = 'failed'
        RETURNING * INTO v_export;""",
        ),
    ),
    sql="""GRANT CREATE ON SCHEMA public TO service_role;
ALTER FUNCTION retry_export(uuid) OWNER TO service_role;
""",
)
