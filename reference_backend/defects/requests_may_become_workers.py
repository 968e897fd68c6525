"""The request role was made a member of the worker role, to call one of its functions."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="The request role may become service_role, which sees all organizations",
    source="known: role membership instead of a grant",
    expected=("tenancy.privileges",),
    sql="GRANT service_role TO authenticated;",
)
