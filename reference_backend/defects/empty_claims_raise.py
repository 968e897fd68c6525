"""The claims are cast without NULLIF: the '' that SET LOCAL leaves behind raises."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Empty claims raise a cast error instead of showing no rows",
    source="L4: rhesis #2300",
    expected=("tenancy.direct-sql",),
    edits=(
        Edit(
            file="migrations/0003_row_security.sql",
            old="NULLIF(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,organization_id}', ''",
            new="current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,organization_id}', ''",
        ),
    ),
)
