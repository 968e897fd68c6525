"""ALTER DEFAULT PRIVILEGES IN SCHEMA can only add privileges; this one takes nothing away from PUBLIC."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="PUBLIC can execute the claim function",
    source="P10: one production backend",
    expected=("tenancy.privileges",),
    edits=(
        Edit(
            file="migrations/0001_roles.sql",
            old="ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
            new="ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
        ),
    ),
)
