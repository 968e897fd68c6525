-- The database keeps tenants apart: every tenant table has forced row security, which also binds the owner of
-- the tables and therefore every SECURITY DEFINER function here.

-- The organization of the request, from the claims that the API set for this transaction; null without claims.
-- NULLIF, because after SET LOCAL and commit the setting is '' on a pooled connection, and ''::jsonb raises.
CREATE FUNCTION request_organization_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT NULLIF(
        NULLIF(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,organization_id}', ''
    )::uuid
$$;

-- The user of the request (sub), null without claims and for workers.
CREATE FUNCTION request_actor_id() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT NULLIF(NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
$$;

GRANT EXECUTE ON FUNCTION request_organization_id(), request_actor_id() TO anon, authenticated, service_role;

-- The policies are the same for each tenant table: a request sees only the rows of its organization, a worker
-- sees all rows. (SELECT …) evaluates the organization once per statement instead of once per row.
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['jobs', 'evidence', 'exports', 'audit_logs', 'idempotency_keys'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', v_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', v_table);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I '
            'USING (organization_id = (SELECT request_organization_id())) '
            'WITH CHECK (organization_id = (SELECT request_organization_id()))', v_table);
        EXECUTE format(
            'CREATE POLICY every_organization ON %I TO service_role USING (true) WITH CHECK (true)', v_table);
    END LOOP;
END
$$;

-- Requests read these tables; they change evidence, exports and the ledger only through functions.
GRANT SELECT ON jobs, evidence, exports, audit_logs TO authenticated;
GRANT INSERT ON jobs TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO authenticated;

GRANT SELECT ON jobs, evidence, exports, audit_logs TO service_role;
GRANT INSERT ON jobs TO service_role;            -- the readiness probe, always rolled back
GRANT INSERT, UPDATE ON exports TO service_role;
GRANT SELECT, DELETE ON idempotency_keys TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON workers, backend_counters TO service_role;
