"""A later migration adds a helper as its author's own database was used to."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="A function for reports has no fixed search_path, and everybody may call it",
    source="known: hosted platforms lint for it (function_search_path_mutable)",
    expected=("tenancy.privileges",),
    sql="""
CREATE FUNCTION hours_since(p_moment timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$ SELECT extract(epoch FROM now() - p_moment) / 3600 $$;
GRANT EXECUTE ON FUNCTION hours_since(timestamptz) TO PUBLIC;
""",
)
