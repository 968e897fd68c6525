"""Old tokens had the organization in user_metadata, which every user can edit."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Policies fall back to the organization in user_metadata",
    source="known: the identity provider's documentation warns of it",
    expected=("tenancy.direct-sql",),
    edits=(
        Edit(
            file="migrations/0003_row_security.sql",
            old="""    SELECT NULLIF(
        NULLIF(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,organization_id}', ''
    )::uuid
""",
            new="""    SELECT NULLIF(COALESCE(
        NULLIF(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,organization_id}',
        NULLIF(current_setting('request.jwt.claims', true), '')::jsonb #>> '{user_metadata,organization_id}'
    ), '')::uuid
""",
        ),
    ),
)
