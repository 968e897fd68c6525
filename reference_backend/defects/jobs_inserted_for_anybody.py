"""A test without claims could not insert; a policy was added for it."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="A policy allows inserting jobs into any organization",
    source="known: WITH CHECK (true)",
    expected=("tenancy.direct-sql", "tenancy.row-security"),
    sql="CREATE POLICY create_jobs ON jobs FOR INSERT TO authenticated WITH CHECK (true);",
)
