"""A second policy lets the support desk see exports; permissive policies are joined by OR."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="A second, permissive policy opens exports to every organization",
    source="L2, L5: cyoda-go #363, contributor.info #1362",
    expected=("tenancy.matrix",),
    sql="CREATE POLICY support_reads_exports ON exports FOR SELECT USING (true);",
)
