"""A dashboard was slow, so its numbers were materialized; policies do not apply to a materialized view."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="Requests can read a materialized view of all organizations' exports",
    source="L5: contributor.info #1362; materialized views have no row security",
    expected=("tenancy.row-security",),
    sql="""
        CREATE MATERIALIZED VIEW export_totals AS
        SELECT organization_id, export_type, state, count(*) AS exports FROM exports GROUP BY 1, 2, 3;
        GRANT SELECT ON export_totals TO authenticated;
    """,
)
