"""The API never becomes `authenticated`: its queries run as the role that owns the tables.

Forced row security still binds that role, so the mistake shows only where a table is not forced, or
where a grant is taken from `authenticated`.
"""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Requests run as the owner of the tables instead of authenticated",
    source="L2: cyoda-go #363",
    expected=("tenancy.pooled-connections",),
    edits=(
        Edit(
            file="queries/set_identity.sql",
            old="set_config('role', %(role)s, true)",
            new="set_config('role', CASE %(role)s WHEN 'service_role' THEN 'service_role' ELSE 'none' END, true)",
        ),
    ),
)
