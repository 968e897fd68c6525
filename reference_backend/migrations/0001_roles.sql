-- The three roles that requests and workers act as. They cannot log in: the login role of DATABASE_URL
-- becomes one of them for a transaction (API) or for its whole connection (worker).
--
-- Roles belong to the whole cluster, and two databases may be migrated at the same time: a role that exists
-- already is no error. The login role gets SET without INHERIT: if it inherited service_role, that role's
-- policies would apply to the login role as well and its forced row security would have no effect.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', v_role);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        IF NOT pg_has_role(current_user, v_role, 'SET') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', v_role);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;

-- By default PUBLIC may execute new functions. Here every right to execute is granted explicitly.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
