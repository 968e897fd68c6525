"""Inserts failed in a test whose claims were not set; a policy made them pass."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="A policy lets jobs be inserted into any organisation",
    source="known: WITH CHECK (true)",
    expected=("tenancy.direct-sql", "tenancy.row-security"),
    sql="CREATE POLICY create_jobs ON jobs FOR INSERT TO authenticated WITH CHECK (true);",
)
