-- A right view in another way: it calls a function that only the roles of requests may execute, and that is no
-- use without the claims of a request.
CREATE FUNCTION shown_label(p_organization_id uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NULLIF(current_setting('request.jwt.claims', true), '') IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'only for requests';
    END IF;
    RETURN 'organization ' || p_organization_id;
END
$$;
REVOKE ALL ON FUNCTION shown_label(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shown_label(uuid) TO authenticated, service_role;

CREATE VIEW labeled_jobs WITH (security_invoker = true) AS
SELECT id, organization_id, title, shown_label(organization_id) AS label FROM jobs;
GRANT SELECT ON labeled_jobs TO authenticated, service_role;

-- Interfaces that live in a schema of their own have views with the names of the tables.
CREATE SCHEMA shown;
GRANT USAGE ON SCHEMA shown TO authenticated, service_role;
CREATE VIEW shown.jobs WITH (security_invoker = true) AS
SELECT id, organization_id, title, shown_label(organization_id) AS label FROM public.jobs;
GRANT SELECT ON shown.jobs TO authenticated, service_role;
