"""A function with its owner's rights takes the organization as an argument."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="A SECURITY DEFINER function returns the exports of any organization passed to it",
    source="L5: contributor.info #1362",
    expected=("tenancy.direct-sql",),
    sql="""
        CREATE FUNCTION exports_of(p_organization_id uuid) RETURNS SETOF exports
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$
        BEGIN
            PERFORM act_for_organization(p_organization_id);
            RETURN QUERY SELECT e.* FROM exports AS e WHERE e.organization_id = p_organization_id;
        END
        $$;
        GRANT EXECUTE ON FUNCTION exports_of(uuid) TO authenticated;
    """,
)
