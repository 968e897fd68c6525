"""The claims are cast without NULLIF: the '' that a SET LOCAL leaves behind raises instead of giving no rows."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Empty claims raise a cast error where they should show no rows",
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
