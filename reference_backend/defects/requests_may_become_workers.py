"""An endpoint wanted to call a worker's function, so its role was made a member of the workers'."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="The role of requests may become service_role, for whom no policy hides anything",
    source="known: role membership instead of a grant",
    expected=("tenancy.privileges",),
    sql="GRANT service_role TO authenticated;",
)
