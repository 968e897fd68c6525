"""The view was recreated for another column, without `security_invoker`."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The view of exports reads them with its owner's rights",
    source="L5: contributor.info #1362",
    expected=("tenancy.row-security",),
    edits=(
        Edit(
            file="migrations/0007_views.sql",
            old="CREATE VIEW export_status WITH (security_invoker = true) AS",
            new="CREATE VIEW export_status AS",
        ),
    ),
)
