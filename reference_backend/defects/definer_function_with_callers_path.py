"""A function with its owner's rights finds tables by its caller's search_path: a temporary table comes first."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A SECURITY DEFINER function has no search_path of its own",
    source="L7: known",
    expected=("tenancy.privileges",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="CREATE FUNCTION retry_export(p_export_id uuid) RETURNS boolean\n"
            "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp",
            new="CREATE FUNCTION retry_export(p_export_id uuid) RETURNS boolean\n"
            "LANGUAGE plpgsql SECURITY DEFINER",
        ),
    ),
)
