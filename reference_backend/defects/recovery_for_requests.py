"""Requests may run the recovery, for a button of the support desk."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="Requests may execute the recovery of exports",
    source="P10: one production backend",
    expected=("tenancy.privileges",),
    sql="GRANT EXECUTE ON FUNCTION recover_stuck_exports(interval, int) TO authenticated;",
)
