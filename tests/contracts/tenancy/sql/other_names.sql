-- Two tenants in a database with names of its own, beside a platform's schema that is not the team's.
DO $$
DECLARE v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['app_user', 'app_worker', 'app_owner', 'platform'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I', v_role);
        EXCEPTION WHEN duplicate_object THEN NULL;
        END;
    END LOOP;
END $$;
ALTER ROLE app_user NOBYPASSRLS;
CREATE SCHEMA auth AUTHORIZATION platform;
CREATE SCHEMA app AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA auth, app TO app_user, app_worker, app_owner;

SET ROLE platform;
CREATE TABLE auth.sessions (id int, tenant_id uuid);
GRANT SELECT ON auth.sessions TO app_user;
CREATE FUNCTION auth.org() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT NULLIF(NULLIF(current_setting('request.jwt.claims', true), '')::jsonb
        #>> '{app_metadata,organization_id}', '')::uuid $$;
CREATE FUNCTION auth.sweep() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM auth.sessions';
RESET ROLE;
INSERT INTO auth.sessions VALUES (1, '00000000-0000-0000-0000-000000000001');

SET ROLE app_owner;
CREATE TABLE app.documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id uuid NOT NULL, title text);
CREATE TABLE app.packages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'done' CHECK (status IN ('waiting', 'done', 'broken'))
);
CREATE TABLE app.trail (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id uuid NOT NULL, seal text);
CREATE FUNCTION app.take_package(p_worker text) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS 'SELECT';
REVOKE EXECUTE ON FUNCTION app.take_package(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.take_package(text) TO app_worker;
ALTER TABLE app.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.documents FORCE ROW LEVEL SECURITY;
ALTER TABLE app.packages ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.packages FORCE ROW LEVEL SECURITY;
ALTER TABLE app.trail ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.trail FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app.documents USING (company_id = (SELECT auth.org()));
CREATE POLICY own ON app.packages USING (company_id = (SELECT auth.org()));
CREATE POLICY own ON app.trail FOR SELECT USING (company_id = (SELECT auth.org()));
GRANT SELECT, INSERT, UPDATE, DELETE ON app.documents, app.packages TO app_user;
GRANT SELECT ON app.trail TO app_user;
RESET ROLE;
